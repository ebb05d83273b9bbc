package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
)

const (
	// gracefulStop is how long a VM may take to stop when it is asked to; 3 s are usual, 10 s under emulation.
	gracefulStop = 90 * time.Second
	// entryPause is how often it is looked whether a booting VM lets somebody in.
	entryPause = 250 * time.Millisecond
	// cleanupDeadline bounds what is done after a run was interrupted.
	cleanupDeadline = time.Minute
)

// bootProcess is a `limactl start` at work. Half of the time that it takes the guest can be worked on already.
type bootProcess struct {
	ended chan struct{} // closed when it has ended; err is valid then
	err   error
}

// wait waits for the end of booting. Without a boot under way there is nothing to wait for.
func (b *bootProcess) wait() error {
	if b == nil {
		return nil
	}
	<-b.ended
	return b.err
}

// going says that booting is still under way.
func (b *bootProcess) going() bool {
	if b == nil {
		return false
	}
	select {
	case <-b.ended:
		return false
	default:
		return true
	}
}

// until waits until seen says so; false when booting has ended without that.
func (b *bootProcess) until(seen func() bool) bool {
	ticker := time.NewTicker(entryPause)
	defer ticker.Stop()
	for !seen() {
		select {
		case <-b.ended:
			return false
		case <-ticker.C:
		}
	}
	return true
}

// failed says that booting has come to its end, and to no good one.
func (b *bootProcess) failed() bool { return b != nil && !b.going() && b.err != nil }

// laying says that mounts and forwarded sockets are still to come. Where booting has failed before anybody waited for its
// end, they are, too, so that it is waited for and the reason told (TestWhatReplacementsMeet, under load).
func (b *bootProcess) laying() bool { return b.going() || b.failed() }

// boot starts the VM and returns as soon as Lima's shared ssh connection stands, or with the end of booting.
func (r *run) boot(ctx context.Context, created bool, line func(string)) error {
	boot := &bootProcess{ended: make(chan struct{})}
	r.booting = boot
	r.signs.begin()
	go r.signs.watchConsole(ctx, filepath.Join(r.target.spec.LimaHome, r.target.spec.VM), boot.ended)
	go func() {
		defer close(boot.ended)
		boot.err = r.undo(ctx, r.lima.Start(ctx, r.target.spec.VM, line), created)
	}()
	connection := filepath.Join(r.target.spec.LimaHome, r.target.spec.VM, filenames.SSHSock)
	ticker := time.NewTicker(entryPause)
	defer ticker.Stop()
	for {
		select {
		case <-boot.ended:
			return boot.err
		case <-ticker.C:
			if accepts(ctx, connection) {
				return nil
			}
		}
	}
}

// undo cleans up after creating or starting a VM failed or was interrupted: Lima leaves what it began. A VM that was
// created in this run and never had a disk is removed again; one that is booting is stopped, so that nothing that we
// started goes on behind the user's back. It returns err with what state was left.
func (r *run) undo(ctx context.Context, err error, created bool) error {
	if err == nil {
		return nil
	}
	// The run's own context may be what ended.
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupDeadline)
	defer cancel()
	vm := r.target.spec.VM
	instance, findErr := r.observer().find(cleanup)
	switch {
	case findErr != nil:
		return fmt.Errorf("%w (and Lima does not say what is left of it: %w)", err, findErr)
	case instance == nil:
		return fmt.Errorf("%w (no VM is left of it)", err)
	case created && !hasDisk(instance.Dir):
		if deleteErr := r.lima.Delete(cleanup, vm, nil); deleteErr != nil {
			return fmt.Errorf("%w (and the half-made VM could not be removed: %w)", err, deleteErr)
		}
		return fmt.Errorf("%w (the half-made VM, which had no disk yet, was removed)", err)
	case ctx.Err() != nil && instance.Status != limatype.StatusStopped:
		if stopErr := r.lima.Stop(cleanup, vm, true, nil); stopErr != nil {
			return fmt.Errorf("%w (and the VM, which was booting, could not be stopped: %w)", err, stopErr)
		}
		return fmt.Errorf("%w (the VM, which was booting, was stopped; its disk is kept)", err)
	}
	return fmt.Errorf("%w (the VM is left %s)", err, strings.ToLower(instance.Status))
}

// hasDisk says whether an instance ever got as far as having a disk, under its name in Lima 2 or in Lima 1.
func hasDisk(dir string) bool {
	for _, name := range []string{filenames.Disk, filenames.DiffDiskLegacy} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// create creates the VM.
func (r *run) create(ctx context.Context, _ State, _ Step, line func(string)) error {
	profile, err := r.target.newProfile()
	if err != nil {
		return err
	}
	return r.undo(ctx, r.lima.Create(ctx, r.target.spec.VM, profile, line), true)
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

// settleBoot waits for the end of booting, and observes the finished world meanwhile if nothing is left to do.
func (r *run) settleBoot(ctx context.Context, at State, step Step, _ func(string)) error {
	if r.booting == nil {
		return r.awaitBoot(ctx, at)
	}
	if step.last {
		r.lookAhead(ctx, at.Instance)
	}
	return r.booting.wait()
}

// explainBoot says how far a VM came that did not start.
func explainBoot(r *run, _ State, failure *Error, _ error) {
	spec := r.target.spec
	failure.Why += r.signs.evidence()
	failure.Next = fmt.Sprintf("see %s and serial.log beside it, then run worldsetup again; the log is %s",
		filepath.Join(spec.LimaHome, spec.VM, "ha.stderr.log"), LogPath(spec))
	if !r.done.begun(StepCreate) && !r.swap.underway {
		failure.Next += "; " + lastResort(spec.VM)
	}
}
