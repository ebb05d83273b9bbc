package provision

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// The upper rungs of the ladder: Lima's connection, the VM's power, another VM.

// connect puts a new shared connection after the group, since groups are given when a session starts, and before the rest,
// part of which may turn out to be right then.
func (p *Plan) connect(reasons []string) {
	first := []Step{step(StepConnection, reasons...)}
	if at := slices.IndexFunc(p.Steps, func(s Step) bool { return s.ID == StepGroup }); at >= 0 {
		first = slices.Insert(first, 0, p.Steps[at])
		p.Steps = slices.Delete(p.Steps, at, at+1)
	}
	at := slices.IndexFunc(p.Steps, func(s Step) bool { return !slices.Contains(machineSteps, s.ID) })
	if at < 0 {
		at = len(p.Steps)
	}
	p.Steps = slices.Insert(p.Steps, at, first...)
}

// connectionReasons are the facts that a new shared connection cures: it has the groups of its time, and forwards sockets anew.
func connectionReasons(s State) (reasons []string) {
	if s.SharedDead {
		reasons = append(reasons, "Lima's shared ssh connection is dead")
	} else if !slices.Contains(s.Guest.SessionGroups, guest.GroupName) {
		reasons = append(reasons, "Lima's shared ssh session is not in the group substrate: groups are given when it starts")
	}
	if !s.HostSocket {
		reasons = append(reasons, "the forwarded socket on the host accepts no connection")
	}
	return reasons
}

// restartReasons are the facts that only a restart of the VM cures, or that the rungs below did not.
func restartReasons(t target, s State) (reasons []string) {
	_, points := t.mounts()
	for i, problem := range s.Mounts {
		if problem != "" {
			reasons = append(reasons, fmt.Sprintf("the mount %s is lost: %s", points[i], problem))
		}
	}
	if below := connectionReasons(s); len(below) > 0 && (len(reasons) > 0 || s.Tried[StepConnection]) {
		reasons = append(below, reasons...)
	}
	return append(reasons, slices.Concat(nonEmpty(bootFirst(s)), nonEmpty(s.Unheld))...)
}

// bootFirst is why nothing in the guest can be put right before it has booted; empty when it can.
func bootFirst(s State) string {
	switch {
	case s.Guest.ReadOnlyRoot && s.Tried[StepWritable]:
		return "the root file system of the guest stays read-only: a boot puts it in order"
	case s.Guest.WantsPassword() && !s.Tried[StepStop]:
		return fmt.Sprintf("sudo asks the user %s for a password: at a boot Lima gives back the right to do without", s.Guest.User)
	}
	return ""
}

// forced is a stop that asks nobody.
func forced(reasons ...string) Step {
	step := step(StepStop, reasons...)
	step.Rung, step.force = RungForce, true
	return step
}

// bootGrace is how long a boot that somebody else began may take before it is called a hang: Lima's own deadline.
const bootGrace = 10 * time.Minute

// notEntered climbs to the VM's power, unless it was climbed to before.
func (p *Plan) notEntered(s State) {
	connection := (*guest.ConnectionError)(nil)
	switch {
	case !errors.As(s.GuestError, &connection):
		p.Blocked = blockedEntry(s) // somebody answered there, and what was said is no observation
	case s.Tried[StepStop] && s.Tried[StepStart]:
		p.Replace = append(p.Replace, "it runs, and nobody gets in, after a boot as before: "+s.GuestError.Error())
		p.Blocked = blockedEntry(s)
	case connection.Denied():
		p.restart(true, []string{"its ssh refuses Lima's key, which Lima gives the guest anew at a boot: " + firstLine(s.GuestError.Error())}, false)
		p.Unseen = true
	default:
		p.Unseen = true
		reason := "it runs, and nobody gets in: " + firstLine(s.GuestError.Error())
		p.Steps = []Step{forced(reason), step(StepStart, "its power was taken away for that"), step(StepSettle, "its power was taken away for that")}
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func diskGone(instance *limatype.Instance) string {
	reason := "its disk image is gone from " + instance.Dir
	if instance.Status == limatype.StatusRunning {
		reason += "; it runs on with what was deleted, until it is stopped: copy out what is needed first"
	}
	return reason
}

// blockedEntry is the error of a VM that was booted anew, and that still lets nobody in.
func blockedEntry(s State) *Error {
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the VM %s runs, and nobody gets in", s.Instance.Name),
		Why:  s.GuestError.Error(),
		Next: fmt.Sprintf("see %s/ha.stderr.log and serial.log beside it; %s", s.Instance.Dir, lastResort(s.Instance.Name)),
		Err:  s.GuestError,
	}
}

// lastResort is what to do when nothing helps.
func lastResort(vm string) string {
	return "if nothing helps, have another VM in its place, without what is in this one: " + consentCommand("worldsetup", "--replace", vm)
}
