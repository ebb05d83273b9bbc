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

// Titles and usual times. The times were measured on a real VM under emulation and divided by ten, which is about what
// hardware virtualization gives.
var steps = map[StepID]Step{
	StepStop:        {Title: "stop the VM", Usual: 3 * time.Second, Interrupts: true, Rung: RungRestart},
	StepConfigure:   {Title: "change the VM's configuration", Usual: time.Second, Rung: RungRestart},
	StepCreate:      {Title: "create the VM", Usual: time.Second},
	StepStart:       {Title: "start the VM", Usual: 20 * time.Second, Rung: RungRestart},
	StepClock:       {Title: "set the guest's clock", Usual: time.Second, Rung: RungLive},
	StepWritable:    {Title: "make the guest's root file system writable", Usual: time.Second, Rung: RungLive},
	StepRoom:        {Title: "free room on the guest's disk", Usual: 2 * time.Second, Rung: RungLive},
	StepEntry:       {Title: "have ssh let Lima's key in", Usual: time.Second, Rung: RungLive},
	StepConnection:  {Title: "make Lima's shared connection anew", Usual: time.Second, Rung: RungConnection},
	StepPackages:    {Title: "install packages in the guest", Usual: 15 * time.Second, Rung: RungLive},
	StepGroup:       {Title: "give the user the group of the socket", Usual: time.Second, Rung: RungLive},
	StepDirectories: {Title: "make the agent's directories", Usual: time.Second, Rung: RungLive},
	StepAgent:       {Title: "install the agent", Usual: time.Second, Rung: RungLive},
	StepUnits:       {Title: "install and enable the systemd units", Usual: time.Second, Rung: RungLive},
	StepLinger:      {Title: "let the user's services outlive the session", Usual: time.Second, Rung: RungLive},
	StepActivate:    {Title: "start the agent and wait for its answer", Usual: 2 * time.Second, Rung: RungUnit},
	StepSettle:      {Title: "let the VM finish booting", Usual: 10 * time.Second},
	StepMarker:      {Title: "mark the layout as complete", Usual: time.Second, Rung: RungLive},
}

func step(id StepID, reasons ...string) Step {
	step := steps[id]
	step.ID, step.Reason = id, strings.Join(reasons, "; ")
	return step
}

// makePlan compares what is wanted with what is there. It is pure: same inputs, same plan.
func makePlan(t target, s State) Plan {
	plan := Plan{VM: t.spec.VM, Steps: []Step{}}
	switch {
	case s.Instance == nil:
		plan.forNew(t)
	case s.Instance.Config == nil:
		plan.Blocked = unreadable(s.Instance)
	default:
		plan.forExisting(t, s)
	}
	if len(plan.Replace) > 0 || plan.Blocked != nil {
		plan.Steps = []Step{}
	}
	return plan
}

// forNew lists everything: what a new guest turns out to have already is left out when it was seen.
func (p *Plan) forNew(t target) {
	if t.agent == nil {
		p.Blocked = noAgent(t.spec.Project, t.rejected)
		return
	}
	p.Steps = []Step{
		step(StepCreate, fmt.Sprintf("there is no VM called %s", t.spec.VM)),
		step(StepStart, "it is new"),
	}
	defer func() {
		for i := range p.Steps {
			p.Steps[i].Rung = "" // there is nothing yet that they could cut into
		}
	}()
	for _, id := range []StepID{StepPackages, StepGroup, StepDirectories, StepAgent, StepUnits, StepLinger, StepActivate, StepSettle, StepMarker} {
		next := step(id, "the VM is new")
		next.Conditional = id == StepPackages || id == StepGroup || id == StepLinger
		p.Steps = append(p.Steps, next)
	}
}

func (p *Plan) forExisting(t target, s State) {
	edits, replace := t.wanted.Differences(s.Instance)
	if p.Replace = replace; s.DiskGone {
		p.Replace = append(p.Replace, diskGone(s.Instance))
	}
	running := s.Instance.Status == limatype.StatusRunning
	switch {
	case s.Booting && s.Guest == nil:
		p.Steps = []Step{step(StepSettle, "it cannot be entered yet")}
		return
	case s.Booting:
		p.forGuest(t, s)
		p.settle()
		return
	case running && s.Guest == nil:
		p.notEntered(s)
		return
	case running:
		if p.forGuest(t, s); p.Unseen {
			return // what is in order behind closed directories shows when they are open
		}
	case s.Instance.Status == limatype.StatusStopped:
		p.Unseen = true
	default:
		// Lima says "Broken" when one of its processes has died: taking the power away clears that.
		reasons := []string{"Lima calls it " + strings.ToLower(s.Instance.Status)}
		for _, err := range s.Instance.Errors {
			reasons = append(reasons, err.Error())
		}
		p.Steps = append(p.Steps, forced(reasons...))
		p.Unseen = true
	}
	switch {
	case len(edits) > 0:
		p.restart(running, edits, true)
	case running:
		if reasons := restartReasons(t, s); len(reasons) > 0 {
			p.restart(running, reasons, false)
		} else if reasons := connectionReasons(s); len(reasons) > 0 {
			p.connect(reasons)
		}
	default:
		p.Steps = append(p.Steps, step(StepStart, "it does not run"), step(StepSettle, "it does not run"))
	}
}

// settle puts the end of booting where it belongs: after what can be done meanwhile, but before packages, because the
// guest's own first boot may be at work on those, and before the marker.
func (p *Plan) settle() {
	settle := step(StepSettle, "Lima is still busy with it")
	at := len(p.Steps)
	if p.has(StepMarker) {
		at--
	}
	if settle.last = !p.has(StepPackages); !settle.last {
		at = 0
	}
	p.Steps = slices.Insert(p.Steps, at, settle)
}

// restart puts a restart before what is planned for the guest: afterwards the guest is observed anew. Only the group
// stays before it, since groups are given when a session starts, with what it takes to write.
func (p *Plan) restart(running bool, reasons []string, configure bool) {
	var first []Step
	if running {
		if p.has(StepGroup) {
			before := func(s Step) bool { return s.ID == StepGroup || s.ID == StepWritable }
			first = slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return !before(s) })
			p.Steps = slices.DeleteFunc(p.Steps, before)
		}
		first = append(first, step(StepStop, reasons...))
	} else {
		first, p.Steps = p.Steps, nil
	}
	if configure {
		first = append(first, step(StepConfigure, reasons...))
	}
	start := step(StepStart, "it was stopped for that")
	if !running {
		start = step(StepStart, "it does not run")
	}
	p.Steps = slices.Concat(first, []Step{start}, p.Steps)
	p.settle()
}

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
	if s.Guest.ReadOnlyRoot && s.Tried[StepWritable] {
		reasons = append(reasons, "the root file system of the guest stays read-only: a boot checks it")
	}
	return append(reasons, nonEmpty(s.Unheld)...)
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
	case connection.Denied():
		p.Replace = append(p.Replace, "its ssh refuses Lima's key, and no other way leads in: "+s.GuestError.Error())
	case s.Tried[StepStop] && s.Tried[StepStart]:
		p.Blocked = blockedEntry(s)
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

// unreadable and blockedEntry are the states that no step of a plan cures yet.
func unreadable(instance *limatype.Instance) *Error {
	why := make([]string, 0, len(instance.Errors))
	for _, err := range instance.Errors {
		why = append(why, err.Error())
	}
	if len(why) == 0 { // some versions of Lima keep the reason to themselves
		why = append(why, fmt.Sprintf("`limactl list` shows none; `limactl validate %s/lima.yaml` says why", instance.Dir))
	}
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("Lima cannot read the configuration of the VM %s", instance.Name),
		Why:  strings.Join(why, "\n"),
		Next: fmt.Sprintf("mend %s/lima.yaml, then run worldsetup again", instance.Dir),
	}
}

func blockedEntry(s State) *Error {
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the VM %s runs, and nobody gets in", s.Instance.Name),
		Why:  s.GuestError.Error(),
		Next: fmt.Sprintf("see %s/ha.stderr.log and serial.log beside it; if nothing helps, only another VM would: limactl delete %s, then run worldsetup again", s.Instance.Dir, s.Instance.Name),
		Err:  s.GuestError,
	}
}
