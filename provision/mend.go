package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

const (
	// gracefulStop is how long a VM may take to stop when it is asked to; 3 s are usual, 10 s under emulation.
	gracefulStop = 90 * time.Second
	// roomNeeded is what has to be free on the guest's disk, in KiB: our own files take less than a quarter of it.
	roomNeeded = 16 << 10
	// writableAfterBoot is the exit code of writable.sh for a file system that is whole and needs a boot.
	writableAfterBoot = 4
)

// mend does the steps that only a repair has.
func (r *run) mend(ctx context.Context, state State, step Step, line func(string)) error {
	o := state.Guest
	switch step.ID {
	case StepClock:
		// It was measured some seconds ago, and is as far off still.
		seconds := strconv.FormatFloat(-o.ClockAhead.Seconds(), 'f', 3, 64)
		return r.script(ctx, state, guestDeadline, embed.Clock, nil, seconds)
	case StepWritable:
		err := r.script(ctx, state, guestDeadline, embed.Writable, nil)
		if refused := (*guest.ScriptError)(nil); errors.As(err, &refused) && refused.ExitCode == writableAfterBoot {
			line("not before a boot: files that were deleted are open")
			return nil // it is seen to be read-only still, and the next rung is climbed
		}
		return err
	case StepRoom:
		return r.script(ctx, state, guestDeadline, embed.Room, nil, strconv.Itoa(roomNeeded))
	case StepEntry:
		key, err := os.ReadFile(filepath.Join(r.target.spec.LimaHome, filenames.ConfigDir, filenames.UserPublicKey))
		if err != nil {
			return fmt.Errorf("the public key that Lima uses cannot be read: %w", err)
		}
		r.locked = ""
		return r.script(ctx, state, guestDeadline, embed.Entry, nil, o.User, o.Home, strings.TrimSpace(string(key)))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, guestDeadline, fmt.Errorf("no end within %v", guestDeadline))
	defer cancel()
	err := r.guest(state.Instance).Renew(ctx, forwards(state.Instance))
	if refused := (*guest.ConnectionError)(nil); errors.As(err, &refused) && refused.Route == guest.Fresh && ctx.Err() == nil {
		// Nothing was changed: what lets nobody in comes first.
		r.explain(ctx, &state, &rejection{refusedLogin, refused.Error()})
		if r.locked = state.Locked; r.done.finished[StepEntry] {
			return lastWay(state)
		}
		r.done.forget(step)
		return nil
	}
	return err
}

// forwards are the host's sockets that Lima leads into the guest when it starts, and never again.
func forwards(instance *limatype.Instance) (pairs []guest.Pair) {
	for _, rule := range instance.Config.PortForwards {
		if rule.GuestSocket != "" && rule.HostSocket != "" && !rule.Reverse && !rule.Ignore {
			pairs = append(pairs, guest.Pair{Host: rule.HostSocket, Guest: rule.GuestSocket})
		}
	}
	return pairs
}

// stop stops the VM: it is asked to, and when it does not listen its power is taken away.
func (r *run) stop(ctx context.Context, force bool, line func(string)) error {
	vm := r.target.spec.VM
	if force {
		return r.lima.Stop(ctx, vm, true, line)
	}
	asked, cancel := context.WithTimeoutCause(ctx, gracefulStop, errors.New("it did not stop within "+gracefulStop.String()))
	defer cancel()
	err := r.lima.Stop(asked, vm, false, line)
	if err == nil || ctx.Err() != nil {
		return err
	}
	line(fmt.Sprintf("%v: its power is taken away", err))
	return r.lima.Stop(ctx, vm, true, line)
}
