package provision

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
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
	StepAgentBuild:  {Title: "build the agent in the VM", Usual: 3 * time.Minute, Rung: RungLive},
	StepAgent:       {Title: "install the agent", Usual: time.Second, Rung: RungLive},
	StepPassengers:  {Title: "install the programs beside the agent", Usual: time.Second, Rung: RungLive},
	StepUnits:       {Title: "install and enable the systemd units", Usual: time.Second, Rung: RungLive},
	StepLinger:      {Title: "let the user's services outlive the session", Usual: time.Second, Rung: RungLive},
	StepActivate:    {Title: "start the agent and wait for its answer", Usual: 2 * time.Second, Rung: RungUnit},
	StepSettle:      {Title: "let the VM finish booting", Usual: 10 * time.Second},
	StepMarker:      {Title: "mark the layout as complete", Usual: time.Second, Rung: RungLive},

	StepReplaceCreate: {Title: "create the new VM beside the old one", Usual: time.Second},
	StepReplaceStop:   {Title: "stop the old VM", Usual: 3 * time.Second, Interrupts: true},
	StepReplaceAside:  {Title: "put the old VM aside", Usual: time.Second},
	StepReplacePlace:  {Title: "give the new VM its name", Usual: time.Second},
	StepReplaceRemove: {Title: "remove the old VM", Usual: time.Second, Destroys: true},
	StepReplaceKeep:   {Title: "keep the old VM", Usual: time.Second},
	StepUndoAside:     {Title: "take the unproven VM out of the way", Usual: 3 * time.Second, Interrupts: true},
	StepUndoPlace:     {Title: "give the old VM its name back", Usual: time.Second},
	StepUndoStart:     {Title: "start the old VM again", Usual: 20 * time.Second},
	StepUndoProve:     {Title: "prove that the old VM answers as it did", Usual: 2 * time.Second},
	StepUndoRemove:    {Title: "remove the VM that is not needed", Usual: time.Second, Destroys: true},
	StepUndoMark:      {Title: "take the VM for what it is", Usual: time.Second},
	StepUndoHollow:    {Title: "remove the empty directory of a VM", Usual: time.Second},
	StepUndoRename:    {Title: "put the two halves of the VM together", Usual: time.Second},
	StepRestoreStop:   {Title: "stop the VM", Usual: 3 * time.Second, Interrupts: true},
	StepRestoreAside:  {Title: "put the VM aside", Usual: time.Second},
	StepRestorePlace:  {Title: "give the kept VM its name back", Usual: time.Second},
	StepRestoreStart:  {Title: "start the kept VM", Usual: 20 * time.Second},
	StepRestoreProve:  {Title: "prove that the kept VM answers", Usual: 2 * time.Second},
	StepRestoreRemove: {Title: "remove the VM that was put aside", Usual: time.Second, Destroys: true},
	StepRestoreKeep:   {Title: "keep the VM that was put aside", Usual: time.Second},
	StepRemoveVM:      {Title: "remove the VM", Usual: time.Second, Interrupts: true, Destroys: true},
	StepRemoveKept:    {Title: "remove the kept VM", Usual: time.Second, Destroys: true},
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
	case len(s.Siblings.recovery()) > 0:
		plan.Steps, plan.Unseen = s.Siblings.recovery(), true
		return plan
	case s.Instance == nil:
		plan.forNew(t)
	case t.spec.Replace != "" && !s.Siblings.Unproven:
		plan.forReplacement(t, s)
		return plan
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
	for _, id := range newSteps(t) {
		next := step(id, "the VM is new")
		if id == StepAgentBuild {
			next.Reason += "; " + t.agent.buildReason()
		}
		next.Conditional = id == StepPackages || id == StepGroup || id == StepLinger
		p.Steps = append(p.Steps, next)
	}
}

// newSteps are those in a guest that has booted far enough. A build comes after booting, which ends with the project's mount.
func newSteps(t target) []StepID {
	first, rest := []StepID{StepPackages, StepGroup, StepDirectories}, []StepID{StepUnits, StepLinger}
	if len(t.passengers) > 0 {
		rest = append([]StepID{StepPassengers}, rest...)
	}
	if t.builds() {
		return slices.Concat(first, rest, []StepID{StepSettle, StepAgentBuild, StepAgent, StepActivate, StepMarker})
	}
	return slices.Concat(first, []StepID{StepAgent}, rest, []StepID{StepActivate, StepSettle, StepMarker})
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
	case running && bootFirst(s) != "" && s.Locked != "":
		p.Blocked = lastWay(s) // which nothing repairs before a boot, and nobody may get in after it
		return
	case running && bootFirst(s) != "":
		p.Unseen = true
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
// guest's own first boot may be at work on those, before a build, which needs the project's mount, and before the marker.
func (p *Plan) settle() {
	settle := step(StepSettle, "Lima is still busy with it")
	at := len(p.Steps)
	if p.has(StepMarker) {
		at--
	}
	if build := p.at(StepAgentBuild); build >= 0 {
		at = build
	} else {
		settle.last = true
	}
	if p.has(StepPackages) {
		at, settle.last = 0, false
	}
	p.Steps = slices.Insert(p.Steps, at, settle)
}

// restart puts a restart before what is planned for the guest: afterwards the guest is observed anew. Only two things stay
// before it, with what it takes to write: the group, since groups are given when a session starts, and the way in by ssh,
// without which Lima finds no end of booting.
func (p *Plan) restart(running bool, reasons []string, configure bool) {
	var first []Step
	if running {
		if p.has(StepGroup) || p.has(StepEntry) {
			before := func(s Step) bool { return s.ID == StepGroup || s.ID == StepEntry || s.ID == StepWritable }
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

// unreadable is the error of a configuration that no step of a plan cures.
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
		Next: fmt.Sprintf("mend %s/lima.yaml, then run worldsetup again; %s", instance.Dir, lastResort(instance.Name)),
	}
}
