package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
)

// This file repairs what affects the whole guest and comes before the layout: its clock, its root file system, its
// disk, and the ways into it.

const (
	// clockRepair is how far the guest's clock may be off before it is set: time synchronization restores what is
	// nearer.
	clockRepair = 10 * time.Second
)

func planClock(p *Plan, _ target, s State) {
	if off := s.Guest.ClockAhead.Abs(); off > clockRepair+s.Guest.ClockError {
		p.add(StepClock, fmt.Sprintf("the guest's clock is %s from the host's", faults.Signed(s.Guest.ClockAhead)))
	}
}

// clockTask sets the clock by the difference that was measured some seconds ago, which is still the same.
func clockTask(_ target, o *guest.Observation, _ Step) (*task, error) {
	return &task{change: guest.SetClock{By: -o.ClockAhead}}, nil
}

func planWritable(p *Plan, _ target, s State) {
	if s.Guest.ReadOnlyRoot && !s.Tried[StepWritable] {
		p.add(StepWritable, "the root file system of the guest is read-only")
	}
}

func makeWritable(r *run, ctx context.Context, at State, _ Step, line func(string)) error {
	err := r.session(at).change(ctx, guest.MakeWritable{})
	if refused, ok := errors.AsType[*guest.ScriptError](err); ok && refused.ExitCode == guest.ExitNeedsBoot {
		line("not before a boot: files that were deleted are open")
		return nil // the next observation finds it read-only, and the VM is restarted
	}
	return err
}

func planFreeSpace(p *Plan, _ target, s State) {
	if faults.Full(s.Guest) {
		p.add(StepFreeSpace, fmt.Sprintf("the disk of the guest is full: %d KiB are free", s.Guest.DiskAvailable>>10))
	}
}

func freeSpaceTask(target, *guest.Observation, Step) (*task, error) {
	return &task{change: guest.FreeSpace{KiB: faults.FreeSpaceNeeded}}, nil
}

func explainFreeSpace(r *run, _ State, failure *Error, err error) {
	script, ok := errors.AsType[*guest.ScriptError](err)
	if !ok {
		return
	}
	failure.Kind, failure.What = KindUnhealthy, "the guest's disk is full, and nothing on it can be thrown away safely"
	failure.Why = strings.TrimSpace(script.Stderr)
	failure.Next = fmt.Sprintf("remove what is not needed (limactl shell --workdir / %s sudo du -xh / | sort -h | "+
		"tail), "+
		"or grow it: worldsetup --disk SIZE", r.target.spec.VM)
}

// planSSHAccess plans to repair SSH access, and blocks the plan where that is impossible or did not help.
func planSSHAccess(p *Plan, _ target, s State) {
	switch {
	case s.SSHSetting.Name != "":
		p.Blocked = sshdForbids(s)
	case s.EndsEarly:
		p.Blocked = lastWay(s)
	case !s.Tried[StepSSHAccess]:
		p.add(StepSSHAccess, sshReasons(s)...)
	case s.Locked != "":
		p.Blocked = lastWay(s)
	}
}

// sshReasons returns why sshd refuses Lima's key, or would after a restart: it accepts no key from a directory that
// others can write to. On Debian, a group of the user's own may have write access.
func sshReasons(s State) (reasons []string) {
	if s.OpenKey != nil {
		return []string{s.OpenKey.What + ": " + s.OpenKey.Why}
	}
	o := s.Guest
	for _, path := range []string{o.Home, o.Home + "/.ssh", o.Home + "/.ssh/authorized_keys"} {
		file := o.Files[path]
		if mode, err := strconv.ParseUint(file.Mode, 8, 32); err == nil &&
			(mode&0o2 != 0 || mode&0o20 != 0 && file.Group != o.User) {
			reasons = append(reasons,
				fmt.Sprintf("others can write to %s, from where ssh then takes no key: its mode is %s", path,
					file.Mode))
		}
	}
	if s.SSHSetting.Name != "" {
		reasons = append(reasons, "the setting of sshd forbids what a world needs: "+s.SSHSetting.String())
	}
	if s.Locked != "" {
		reasons = append(reasons, "a fresh SSH connection is refused: "+s.Locked)
	}
	return reasons
}

// repairSSHAccess makes sshd accept Lima's key again.
func repairSSHAccess(r *run, ctx context.Context, at State, _ Step, _ func(string)) error {
	key, err := os.ReadFile(filepath.Join(r.target.spec.LimaHome, filenames.ConfigDir, filenames.UserPublicKey))
	if err != nil {
		return fmt.Errorf("the public key that Lima uses cannot be read: %w", err)
	}
	r.done.locked, r.done.lockedCause = "", guest.CauseUnknown
	o := at.Guest
	return r.session(at).change(ctx, guest.RepairSSH{User: o.User, Home: o.Home, Key: strings.TrimSpace(string(key))})
}

// renewConnection reconnects Lima's shared connection.
func renewConnection(r *run, ctx context.Context, at State, step Step, _ func(string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, guestDeadline, fmt.Errorf("no end within %v", guestDeadline))
	defer cancel()
	err := r.edges.Guest(at.Instance, r.target.layout).Renew(ctx, forwards(at.Instance))
	if refused, ok := errors.AsType[*guest.ConnectionError](err); ok &&
		refused.Route == guest.Fresh && ctx.Err() == nil {
		// Nothing was changed: SSH access must be repaired first.
		explainRefusal(ctx, r.session(at), &at,
			&verify.Rejection{What: guest.RefusedLogin, Text: refused.Error(), Cause: refused.Cause()})
		r.done.locked, r.done.lockedCause = at.Locked, at.LockedCause
		if r.done.finished[StepSSHAccess] {
			return lastWay(at)
		}
		r.done.forget(step)
		return nil
	}
	return err
}

// forwards returns the host sockets that Lima forwards into the guest, which it does only when it starts the VM.
func forwards(instance *limatype.Instance) (pairs []guest.Pair) {
	for _, rule := range instance.Config.PortForwards {
		if rule.GuestSocket != "" && rule.HostSocket != "" && !rule.Reverse && !rule.Ignore {
			pairs = append(pairs, guest.Pair{Host: rule.HostSocket, Guest: rule.GuestSocket})
		}
	}
	return pairs
}

// open plans only to open them, since files that seem to be missing may be inside.
func (p *Plan) open(closed []string) {
	step := newStep(StepDirectories, fmt.Sprintf("not all users can enter %s", strings.Join(closed, ", ")))
	step.operands = closed
	p.insert(step)
	p.Unseen = true
}

// Lima's shared connection can be the last way into a guest: an account that has expired, or a new line in sshd's
// configuration, keeps new connections out and leaves the open one alone. It must not end before another one is let in.

// refusedDeadline bounds the search in the guest for why its ssh server refused a connection.
const refusedDeadline = 15 * time.Second

// checkLastWay makes a fresh connection before a plan ends the open one, and reports whether the state was changed,
// since it is refused.
func checkLastWay(ctx context.Context, in session, now *view) bool {
	s := &now.state
	ends := slices.ContainsFunc(now.plan.Steps, endsConnection)
	if !ends || now.verified != nil || s.SharedDead || s.Booting || s.Locked != "" {
		return false
	}
	late := errors.New("no answer within " + freshDeadline.String())
	deadline, cancel := context.WithTimeoutCause(ctx, freshDeadline, late)
	defer cancel()
	enter := func() error { return in.Enter(deadline) }
	refusal := verify.RefusalOf(verify.UntilAdmitted(deadline, enter))
	if refusal == nil || ctx.Err() != nil {
		return false
	}
	explainRefusal(ctx, in, s, refusal)
	return true
}

// explainRefusal adds a refusal to the state, with the causes that root finds in the guest.
func explainRefusal(ctx context.Context, in session, s *State, refusal *verify.Rejection) {
	var refusals guest.Refusals
	if s.Guest.Sudo {
		ctx, cancel := context.WithTimeout(ctx, refusedDeadline)
		defer cancel()
		refusals, _ = in.Refusals(ctx, in.route, s.Guest.User, refusal.What) // on failure, ssh's own message has to do
	}
	s.SSHSetting = refusals.Setting
	if refusal.What != guest.RefusedForward {
		s.Locked = strings.Join(append([]string{refusal.Text}, refusals.Causes...), "; ")
		s.LockedCause = refusal.Cause
		s.EndsEarly = refusal.What == guest.RefusedSession && len(refusals.Causes) == 0
	}
}

// lastWay returns the error of a guest that still refuses new connections after all repairs.
func lastWay(s State) *Error {
	command := "sudo journalctl -n 20 -t sshd -t sshd-session"
	if s.LockedCause == guest.CauseTimedOut {
		command = "sudo nft list ruleset"
	}
	if s.EndsEarly {
		command = shellescape.QuoteCommand([]string{"sudo", "usermod", "-s", "/bin/sh", s.Guest.User})
		return &Error{
			Kind: KindUnhealthy,
			What: fmt.Sprintf("new ssh connections to the VM %s run none of our commands", s.Instance.Name),
			Why:  s.Locked,
			Next: fmt.Sprintf("don't stop the VM; over the open connection, repair the start-up file, or give the user a "+
				"login shell that reads none (limactl shell --workdir / %s %s), and run worldsetup again",
				shellescape.Quote(s.Instance.Name), command),
		}
	}
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the VM %s refuses new ssh connections", s.Instance.Name),
		Why:  s.Locked + "\nThe connection that is still open may be the last way in, so the VM is not restarted.",
		Next: fmt.Sprintf("don't stop the VM; find the cause over the open connection (limactl shell --workdir / %s "+
			"%s), "+
			"repair it, and run worldsetup again", s.Instance.Name, command),
	}
}

// sshdForbids returns the error of an sshd setting with which a world can't work. Someone decided on it, so it stays.
func sshdForbids(s State) *Error {
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the settings of the ssh server in the VM %s forbid what a world needs", s.Instance.Name),
		Why:  strings.TrimSpace("sshd has the setting " + s.SSHSetting.String() + "\n" + s.Locked),
		Next: fmt.Sprintf("don't stop the VM; find the setting (limactl shell --workdir / %s sudo grep -rni %s "+
			"/etc/ssh), "+
			"change it, restart ssh.service, and run worldsetup again", s.Instance.Name, s.SSHSetting.Name),
	}
}
