package provision

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/docker/go-units"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/internal/mounts"
	"github.com/atomize-hq/worldsetup/provision/internal/profile"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// makePlan compares the target with the observed state. It is pure: same inputs, same plan.
func makePlan(t target, s State) Plan {
	plan := Plan{VM: t.spec.VM, Steps: []Step{}, Decided: t.userDecisions(),
		HomeLeftOut: t.wanted.NoHome || !t.layout.Mounts()}
	switch plan.Blocked = notAdopted(t.spec, s); {
	case plan.Blocked != nil:
	case t.noProject != nil:
		plan.Blocked = t.noProject
	case s.OpenKey != nil:
		plan.Blocked = s.OpenKey
	case len(s.Swap.Recovery()) > 0:
		plan.Steps, plan.Unseen = recoverySteps(s.Swap.Recovery()), true
		return plan
	case s.Instance == nil:
		plan.forNew(t, fmt.Sprintf("there is no VM called %s", t.spec.VM))
	case s.HalfCreated:
		plan.forNew(t, "its creation was interrupted, and it was never started: what is left of it is deleted first")
	case t.spec.Replace != "" && !s.Swap.Unverified:
		plan.forReplacement(t, s)
		plan.planAdoption(t, s)
		return plan
	case s.Instance.Config == nil:
		plan.Blocked = unreadable(s.Instance)
	default:
		plan.forExisting(t, s)
		if plan.complete() && plan.Blocked == nil {
			plan.Blocked = blockForeign(s)
		}
		plan.add(StepProtect, unprotected(t, s)...)
	}
	if units := t.projectUnits(s.Guest); plan.has(StepUnits) && plan.Blocked == nil && units != nil {
		plan.Blocked = units.Fault
	}
	if len(plan.Replace) > 0 || plan.Blocked != nil {
		plan.Steps = []Step{}
	}
	plan.planAdoption(t, s)
	return plan
}

// forNew lists everything that a new VM needs. Once the VM was observed, the steps that it does not need are left out.
func (p *Plan) forNew(t target, reason string) {
	if t.agent == nil {
		p.Blocked = t.noAgent()
		return
	}
	if p.Blocked = t.overruled(t.profile); p.Blocked != nil {
		return
	}
	if units := lima.UnitsWritten(t.profile); len(units) > 0 {
		reason += "; " + leftOutOf(t.spec.Profile, units)
	}
	p.Steps = []Step{
		newStep(StepCreate, reason+t.rosettaReason()),
		newStep(StepStart, "the VM is new"),
	}
	for _, k := range kinds() {
		if k.inNew == nil || !k.inNew(t) {
			continue
		}
		step := newStep(k.id, "the VM is new")
		switch k.id {
		case StepAgentBuild:
			step.Reason += "; " + buildReason(t.agent)
		case StepCompanionBuild:
			step.Reason += "; " + t.sourcesReason()
		}
		step.Conditional = k.conditional
		p.Steps = append(p.Steps, step)
	}
	p.waitForBoot("the VM is new")
	for i := range p.Steps {
		p.Steps[i].Disruption = "" // there is nothing to disrupt yet
	}
}

// leftOutOf says that a script of a profile is left out, which writes units.
func leftOutOf(profile string, units []string) string {
	return fmt.Sprintf("a provision script of %s is left out: it would write %s again at every boot", profile,
		strings.Join(units, " and "))
}

// forReplacement lists how another VM replaces this one, with consent. All that can fail
// without the old VM being touched comes first: the new one is created beside it.
func (p *Plan) forReplacement(t target, s State) {
	if p.Blocked = mayNotReplace(t.spec, s); p.Blocked != nil {
		return
	}
	if t.agent == nil {
		p.Blocked = t.noAgent()
		return
	}
	if p.Blocked = t.overruled(t.profile); p.Blocked != nil {
		return
	}
	p.Replace = replaceReasons(t, s)
	reasons := p.Replace
	if units := lima.UnitsWritten(t.profile); len(units) > 0 {
		reasons = append(reasons[:len(reasons):len(reasons)], leftOutOf(t.spec.Profile, units))
	}
	p.Steps = []Step{newStep(StepReplaceCreate, reasons...)}
	if s.Instance.Status != limatype.StatusStopped {
		p.Steps = append(p.Steps, newStep(StepReplaceStop, "another VM takes its place"))
	}
	p.Steps = append(p.Steps, newStep(StepReplaceBackup, "it stays intact until the new one is verified"),
		newStep(StepReplacePlace, "the old one has been renamed"))
	var fresh Plan
	fresh.forNew(t, "")
	p.Steps = append(p.Steps, fresh.Steps[1:]...) // without its creation
	if t.spec.KeepOld {
		p.Steps = append(p.Steps, newStep(StepReplaceKeep,
			"requested; `"+vmCommand("worldsetup restore", t.spec.VM)+"` restores it"))
	} else {
		p.Steps = append(p.Steps, newStep(StepReplaceRemove, "the new one was verified by then"))
	}
}

// replaceReasons returns why the VM is replaced: the facts that only a replacement repairs, else those that are not
// repaired yet, else the request.
func replaceReasons(t target, s State) []string {
	t.spec.Replace = ""
	switch plan := makePlan(t, s); {
	case len(plan.Replace) > 0:
		return plan.Replace
	case plan.Blocked != nil:
		return []string{plan.Blocked.What}
	case plan.Empty():
		return []string{"nothing is wrong with it; a fresh one was asked for"}
	}
	return []string{"requested"}
}

// recoverySteps returns the steps of a recovery.
func recoverySteps(actions []vmswap.Action) (steps []Step) {
	for _, action := range actions {
		steps = append(steps, newStep(StepID(action.ID), action.Reason))
	}
	return steps
}

// forExisting plans what makes a VM that is there what is wanted.
func (p *Plan) forExisting(t target, s State) {
	edits, replace := t.wanted.Differences(s.Instance)
	if p.Replace = replace; s.DiskMissing {
		p.Replace = append(p.Replace, diskMissing(s.Instance))
	}
	if len(edits) > 0 {
		if p.Blocked = t.overruled(s.Instance.Config); p.Blocked != nil {
			return
		}
	}
	if p.Blocked = needsRosetta(s); p.Blocked != nil {
		return
	}
	running := s.Instance.Status == limatype.StatusRunning
	switch {
	case s.Booting && s.Guest == nil:
		p.Steps = []Step{newStep(StepWaitForBoot, "it is not reachable yet")}
		return
	case s.Booting:
		p.forGuest(t, s)
		p.waitForBoot("Lima is still busy with it")
		return
	case running && s.Guest == nil:
		p.planUnreachable(s)
		return
	case running && bootFirst(s) != "" && s.Locked != "":
		p.Blocked = lastWay(s) // only a boot could repair it, and after that the guest may be unreachable
		return
	case running && bootFirst(s) != "":
		p.Unseen = true
	case running:
		if p.forGuest(t, s); p.Unseen {
			return // the state inside closed directories shows once they are open
		}
	case s.Instance.Status == limatype.StatusStopped:
		p.Unseen = true
	default:
		p.Steps = append(p.Steps, stopBroken(s))
		p.Unseen = true
	}
	p.aroundGuest(t, s, edits)
}

// aroundGuest plans the changes from outside a guest: edits of the VM's configuration, a restart, or a new connection.
func (p *Plan) aroundGuest(t target, s State, edits []string) {
	running := s.Instance.Status == limatype.StatusRunning
	reasons := edits
	if running && len(edits) == 0 {
		reasons = restartReasons(t, s)
	}
	switch {
	case running && len(reasons) > 0 && noise(s) != "":
		if p.complete() && p.Blocked == nil {
			p.Blocked = noisy(s, reasons)
		}
	case len(edits) > 0 && running && !t.layout.Mounts() && upgrades(s.Guest):
		p.restartLast(edits)
	case len(edits) > 0:
		p.restart(running, edits, true)
	case running:
		if len(reasons) > 0 {
			p.restart(running, reasons, false)
		} else if reasons := connectionReasons(s); len(reasons) > 0 {
			p.add(StepConnection, reasons...)
		}
	default:
		p.Steps = append(p.Steps, newStep(StepStart, "it does not run"), newStep(StepWaitForBoot, "it does not run"))
	}
	if reasons := unrecorded(t, s); len(reasons) > 0 && len(edits) == 0 {
		step := newStep(StepConfigure, reasons...)
		step.Disruption = DisruptionLive // it changes a comment
		p.insert(step)
	}
}

// unrecorded returns why the VM's configuration must be written although nothing else in it changes: later runs take
// from it whether the home directory is left out.
func unrecorded(t target, s State) []string {
	switch {
	case t.wanted.NoMounts && t.named && s.StagedProject != t.wanted.Project:
		return []string{fmt.Sprintf("it does not say that %s is copied into the guest", t.wanted.Project)}
	case !t.wanted.NoMounts && s.StagedProject != "":
		return []string{"it says that the project is copied into the guest, and it is mounted"}
	case t.wanted.NoHome == s.HomeLeftOut:
		return nil
	case s.HomeLeftOut:
		return []string{"it says that your home directory is left out, and --mount-home was given"}
	}
	return []string{"it does not say that your home directory is left out"}
}

// overruled returns the error of what the files of Lima's user decide otherwise than a world needs: no edit of the VM's
// own configuration, config, would hold. It is nil when there is none.
func (t target) overruled(config *limatype.LimaYAML) *Error {
	files := slices.DeleteFunc(slices.Clone(t.files), func(f lima.File) bool { return t.profile == nil && f.OnlyNew() })
	decisions := t.wanted.Overruled(files, config)
	if len(decisions) == 0 {
		return nil
	}
	var why, next []string
	settings := true
	for _, decision := range decisions {
		if decision.Key == "plain" {
			why = append(why, fmt.Sprintf("%s: %s", decision, profile.NoPlain))
		} else {
			why = append(why, fmt.Sprintf("%s, and %s", decision, t.need(decision.Key)))
		}
		settings = settings && !slices.Contains([]string{"plain", "mount", "portForward", "provision"}, decision.Key)
		lines := fmt.Sprintf("line %d", decision.Line)
		if decision.Last > decision.Line {
			lines = fmt.Sprintf("lines %d to %d", decision.Line, decision.Last)
		}
		next = append(next, fmt.Sprintf("remove %s from %s", lines, decision.Path))
	}
	if settings {
		next = append(next, "or request what it sets")
	}
	return &Error{
		Kind: KindUsage,
		What: "Lima's configuration for all VMs conflicts with what this world needs, and overrides the VM's own",
		Why:  strings.Join(why, "\n"),
		Next: strings.Join(next, ", ") + "; then run worldsetup again",
	}
}

// need describes what a world needs of a setting that was decided otherwise.
func (t target) need(key string) string {
	w := t.wanted
	switch key {
	case "mount":
		if w.NoMounts {
			return "this world has a copy of the project, and shows nothing of this machine"
		}
		if w.NoHome {
			return fmt.Sprintf("this world leaves %s out, and has %s writable at %s", w.Home, w.Project,
				layout.ProjectMount)
		}
		return fmt.Sprintf("a world has %s read-only, and %s writable at %s", w.Home, w.Project, layout.ProjectMount)
	case "portForward":
		return fmt.Sprintf("a world forwards %s to its own directory, and keeps the port %d off the host",
			lima.GuestSocket, lima.AgentPort)
	case "provision":
		return "a world's units are written by worldsetup alone"
	case "cpus":
		return fmt.Sprintf("%d were asked for", w.CPUs)
	case "memory":
		return units.BytesSize(float64(w.Memory)) + " was asked for"
	case "disk":
		return units.BytesSize(float64(w.Disk)) + " was asked for"
	case "vmType":
		return w.VMType + " was asked for"
	case "mountType":
		return w.MountType + " was asked for"
	}
	return "another one was asked for"
}

// userDecisions returns what the files of Lima's user decide about the VM.
func (t target) userDecisions() (decided []Decision) {
	known := map[string]bool{}
	for _, file := range t.files {
		for _, d := range file.Decisions() {
			if !known[d.Key] && (file.Overrides() || t.profile != nil && !t.sets(d.Key)) {
				known[d.Key] = true
				decided = append(decided, Decision{d.Key, d.Value, fmt.Sprintf("%s:%d", d.Path, d.Line)})
			}
		}
	}
	return decided
}

// sets reports whether a new VM has a setting of its own, beside which the last resorts don't count.
func (t target) sets(key string) bool {
	text, err := t.wanted.Edit(t.text, "")
	return err == nil && slices.Contains(lima.Keys(text), key)
}

// waitForBoot plans to wait for the end of a boot after the steps that can run meanwhile. A build needs the project's
// mount, which comes last, and the marker means that the world was observed to be complete.
func (p *Plan) waitForBoot(reason string) {
	wait := newStep(StepWaitForBoot, reason)
	at := slices.IndexFunc(p.Steps, func(s Step) bool { return s.builds() || s.ID == StepMarker })
	if at < 0 {
		at = len(p.Steps)
	}
	wait.last = at == len(p.Steps) || p.Steps[at].ID == StepMarker
	p.Steps = slices.Insert(p.Steps, at, wait)
}

// restart plans to restart the VM before the steps in the guest, which is observed again afterwards. Only the early
// steps stay before it: the group, since a session gets its groups when it starts; SSH access, without which Lima does
// not see the end of a boot; the steps that make the guest writable for these; and packages that may not be found
// later.
func (p *Plan) restart(running bool, reasons []string, configure bool) {
	var first []Step
	if running {
		early := func(s Step) bool { return kindOf(s.ID).early || s.first }
		urgent := slices.ContainsFunc(p.Steps, func(s Step) bool { return s.first })
		if urgent || p.has(StepGroup) || p.has(StepSSHAccess) {
			first = slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return !early(s) })
			p.Steps = slices.DeleteFunc(p.Steps, early)
		}
		first = append(first, newStep(StepStop, reasons...))
	} else {
		first, p.Steps = p.Steps, nil
	}
	if configure {
		first = append(first, newStep(StepConfigure, reasons...))
	}
	start := newStep(StepStart, "it was stopped for that")
	if !running {
		start = newStep(StepStart, "it does not run")
	}
	p.Steps = slices.Concat(first, []Step{start}, p.Steps)
	p.waitForBoot("Lima is still busy with it")
}

// restartLast plans to change the VM's configuration after all steps in the guest but the marker: an older generation
// keeps what it needs until the new one has answered.
func (p *Plan) restartLast(reasons []string) {
	at := p.at(StepMarker)
	if at < 0 {
		at = len(p.Steps)
	}
	wait := newStep(StepWaitForBoot, "Lima is still busy with it")
	wait.last = true
	p.Steps = slices.Insert(p.Steps, at, newStep(StepStop, reasons...), newStep(StepConfigure, reasons...),
		newStep(StepStart, "it was stopped for that"), wait)
}

// unreadable returns the error of a configuration that Lima can't read.
func unreadable(instance *limatype.Instance) *Error {
	why := make([]string, 0, len(instance.Errors))
	for _, err := range instance.Errors {
		why = append(why, err.Error())
	}
	if len(why) == 0 { // some versions of Lima give no reason
		why = append(why, fmt.Sprintf("`limactl list` shows none; `limactl validate %s/lima.yaml` shows why",
			instance.Dir))
	}
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("Lima cannot read the configuration of the VM %s", instance.Name),
		Why:  strings.Join(why, "\n"),
		Next: fmt.Sprintf("fix %s/lima.yaml, then run worldsetup again; %s", instance.Dir, lastResort(instance.Name)),
	}
}

// connectionReasons returns the facts that a new shared connection repairs: it has the user's present groups, and
// forwards sockets again.
func connectionReasons(s State) (reasons []string) {
	if s.SharedDead {
		reasons = append(reasons, "Lima's shared ssh connection is dead")
	} else if !slices.Contains(s.Guest.SessionGroups, guest.GroupName) {
		reasons = append(reasons,
			"Lima's shared ssh session is not in the group substrate: groups are given when it starts")
	}
	if !s.HostSocket {
		reasons = append(reasons, "the forwarded socket on the host "+hostSocketFault(s))
	}
	return reasons
}

// restartReasons returns the facts that only a restart of the VM repairs, or that less disruption did not repair.
func restartReasons(t target, s State) (reasons []string) {
	wanted := t.wantedMounts()
	for i, problem := range s.Mounts {
		switch {
		case problem == "", problem == mounts.Refused: // a restart would not help
		case wanted[i].LeftOut:
			reasons = append(reasons, fmt.Sprintf("the mount %s: %s", wanted[i].Point, problem))
		default:
			reasons = append(reasons, fmt.Sprintf("the mount %s is lost: %s", wanted[i].Point, problem))
		}
	}
	if below := connectionReasons(s); len(below) > 0 && (len(reasons) > 0 || s.Tried[StepConnection]) {
		reasons = append(below, reasons...)
	}
	return append(reasons, slices.Concat(nonEmpty(bootFirst(s)), nonEmpty(s.Unheld))...)
}

// bootFirst returns why nothing in the guest can be repaired before it has booted; empty when it can.
func bootFirst(s State) string {
	switch {
	case s.Guest.ReadOnlyRoot && s.Tried[StepWritable]:
		return "the root file system of the guest stays read-only: a reboot repairs it"
	case s.Guest.SudoRefusal() == guest.SudoWantsPassword && s.SudoDenied == "" && !s.Tried[StepStop]:
		return fmt.Sprintf("sudo asks the user %s for a password: at each boot, Lima restores sudo without a password",
			s.Guest.User)
	}
	return ""
}

// forced returns the step that powers the VM off.
func forced(reasons ...string) Step {
	step := newStep(StepStop, reasons...)
	step.Disruption, step.force = DisruptionForce, true
	return step
}

// stopBroken returns the step for a VM that Lima reports as "Broken": one of its processes has died, and powering the
// VM off clears that. If it has no process of its own, nothing is powered off.
func stopBroken(s State) Step {
	reasons := []string{"Lima calls it " + strings.ToLower(s.Instance.Status)}
	runs, stale := false, false
	for _, file := range s.PIDFiles {
		if file.Stale {
			reasons = append(reasons, file.String())
		}
		runs, stale = runs || !file.Stale, stale || file.Stale
	}
	if stale {
		reasons = append(reasons, "stale files are moved aside, and their processes left alone")
	}
	for _, err := range s.Instance.Errors {
		reasons = append(reasons, err.Error())
	}
	step := forced(reasons...)
	if stale && !runs {
		step.Disruption, step.Interrupts = DisruptionRestart, false
	}
	return step
}

// planUnreachable escalates to a forced restart, unless that was tried before.
func (p *Plan) planUnreachable(s State) {
	_, ok := errors.AsType[*guest.ConnectionError](s.GuestError)
	early, entered := errors.AsType[*guest.SessionError](s.GuestError)
	denial := denialIn(s.GuestError)
	switch {
	case process.Killed(s.GuestError):
		p.Blocked = &Error{
			Kind: KindProvisioning, What: fmt.Sprintf("the VM %s could not be observed", s.Instance.Name),
			Why: firstLine(s.GuestError.Error()), Next: process.KilledNext, Err: s.GuestError,
		}
	case entered:
		p.Blocked = endsEarly(s, early)
	case !ok:
		p.Blocked = unreachable(s) // the guest answered, but not with an observation
	case s.Tried[StepStop] && s.Tried[StepStart]:
		p.Replace = append(p.Replace, "it is still not reachable over SSH after a boot: "+s.GuestError.Error())
		p.Blocked = unreachable(s)
	case denial != nil:
		p.restart(true, []string{"its ssh refuses Lima's key, which Lima installs again at each boot: " +
			firstLine(denial.Error())}, false)
		p.Unseen = true
	default:
		p.Unseen = true
		reason := "it runs and is not reachable over SSH: " + firstLine(s.GuestError.Error())
		p.Steps = []Step{forced(reason), newStep(StepStart, "it was stopped by force"),
			newStep(StepWaitForBoot, "it was stopped by force")}
	}
}

// denialIn returns the error of the connection whose user the guest's ssh server refused, so that it works; nil when
// there is none. Another connection may have met one of sshd's penalties meanwhile.
func denialIn(err error) *guest.ConnectionError {
	switch err := err.(type) {
	case *guest.ConnectionError:
		if err.Cause() == guest.CauseDenied {
			return err
		}
	case interface{ Unwrap() []error }:
		for _, err := range err.Unwrap() {
			if denial := denialIn(err); denial != nil {
				return denial
			}
		}
	}
	return nil
}

func diskMissing(instance *limatype.Instance) string {
	reason := "its disk image is gone from " + instance.Dir
	if instance.Status == limatype.StatusRunning {
		reason += "; it keeps running on the deleted file until it is stopped: copy out what is needed first"
	}
	return reason
}

// unreachable returns the error of a VM that is still not reachable after a boot.
func unreachable(s State) *Error {
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("the VM %s is running but not reachable over SSH", s.Instance.Name),
		Why:  s.GuestError.Error(),
		Next: fmt.Sprintf("see %s/ha.stderr.log and serial*.log beside it; %s", s.Instance.Dir,
			lastResort(s.Instance.Name)),
		Err: s.GuestError,
	}
}

// planFor makes the plan for the observed state, and adds the existing VM to it.
func planFor(t target, s State) Plan {
	plan := makePlan(t, s)
	if s.Guest != nil && plan.Blocked == nil {
		plan.Unrepaired = append(unrepaired(s), unstaged(t, s)...)
	}
	if plan.Existing = existing(s); plan.Existing != nil && s.Swap.Kept() {
		plan.Existing.Kept = t.spec.VM + vmswap.Backup
	}
	plan.Gets, plan.Units = getsOf(t, s), t.projectUnits(s.Guest)
	if plan.has(StepCreate) || plan.has(StepReplaceCreate) {
		plan.Opens = t.opens()
	}
	return plan
}

// forGuest plans the changes inside a running guest.
func (p *Plan) forGuest(t target, s State) {
	o := s.Guest
	if p.Blocked = faults.NoSources(s.Guest, s.Instance.Name); p.Blocked != nil {
		return
	}
	p.Replace, p.keep = append(p.Replace, newerLayout(t, o)...), keepNewer(o)
	if o.Marker != "" && o.Marker != o.Layout.Marker && !upgrades(o) {
		p.Replace = append(p.Replace, fmt.Sprintf("its layout is marked %q, and this worldsetup makes %q", o.Marker,
			o.Layout.Marker))
	}
	closed := faults.Closed(o)
	for _, k := range kinds() {
		if k.plan != nil && (len(closed) == 0 || !k.ofLayout()) { // the inside of closed directories was not observed
			k.plan(p, t, s)
		}
	}
	if len(closed) > 0 {
		p.open(closed)
	}
	p.noexec(s)
	p.sudo(s)
}

// noexec blocks a plan that no agent can work in, since nothing can be run where it lies.
func (p *Plan) noexec(s State) {
	for _, one := range unrepaired(s) {
		if one.Item == "agent" {
			p.Blocked = &Error{
				Kind: KindUnhealthy, What: "the agent can't be run in the guest", Why: one.Why,
				Next: one.Next + "; then run worldsetup again",
			}
		}
	}
}

// sudo blocks the plan of a guest in which sudo does not work, so that nothing can be changed.
func (p *Plan) sudo(s State) {
	o := s.Guest
	switch o.SudoRefusal() {
	case guest.SudoWorks:
	case guest.SudoWantsPassword:
		if s.SudoDenied != "" {
			p.Blocked = sudoDenied(s)
			return
		}
		p.Blocked = &Error{
			Kind: KindUnhealthy,
			What: fmt.Sprintf("sudo asks the user %s for a password in the guest", o.User),
			Why:  "`sudo -n true` failed there",
			Next: fmt.Sprintf("with the password, delete the rule that asks for it: limactl shell --workdir / %s "+
				"sudo visudo, and what is in /etc/sudoers.d; %s", s.Instance.Name, lastResort(s.Instance.Name)),
		}
	default:
		p.Blocked = sudoRefuses(s)
	}
}

// sudoDenied returns the error of a VM whose user has no right to sudo without a password, since Lima was told so.
func sudoDenied(s State) *Error {
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("sudo asks the user %s for a password in the guest, because of a setting of Lima", s.Guest.User),
		Why: s.SudoDenied + " has passwordlessSudo: false, and a world needs sudo without a password; a restart alone " +
			"would not change that",
		Next: fmt.Sprintf("remove that line, and stop the VM: limactl stop %s; then run worldsetup again",
			shellescape.Quote(s.Instance.Name)),
	}
}

// sudoRefuses returns the error of a guest in which sudo refuses the user for a reason that a boot does not change.
func sudoRefuses(s State) *Error {
	o, vm := s.Guest, s.Instance.Name
	next := "become root in the guest in another way, and repair it"
	paths, reasons := faults.Writable(o)
	switch refusal := o.SudoRefusal(); {
	case refusal == guest.SudoWantsTerminal:
		next = fmt.Sprintf("at a terminal, find the rule and remove it with visudo: limactl shell --workdir / %s "+
			"sudo grep -rn requiretty /etc/sudoers /etc/sudoers.d", vm)
	case refusal == guest.SudoAccount:
		next = "the account or its password has probably expired: have the next boot renew it, before the user logs in: " +
			guest.BootCommand(vm, "chage -E -1 -d -1 "+o.User)
	case len(paths) > 0: // sudo-rs trusts no settings that others could change
		next = reasons[0] + ": have the next boot close it: " +
			guest.BootCommand(vm, "chmod go-w "+shellescape.QuoteCommand(paths))
	case refusal == guest.SudoFiles:
		next = "have the next boot give sudo's program and rules back to root: " + guest.BootCommand(vm,
			"chown root:root /usr/bin/sudo && chmod 4755 /usr/bin/sudo && "+
				"chown -R root:root /etc/sudoers /etc/sudoers.d && chmod -R go-w /etc/sudoers /etc/sudoers.d")
	case refusal == guest.SudoMissing:
		next = "have the next boot install it: " + guest.BootCommand(vm, "apt-get install -y --reinstall sudo")
	}
	why := append([]string{o.SudoOutput}, nonEmpty(s.Locked)...)
	return &Error{
		Kind: KindUnhealthy,
		What: fmt.Sprintf("sudo refuses the user %s in the guest", o.User),
		Why:  strings.Join(why, "\n") + "\na restart would not change that, and the open connection may be the last way in",
		Next: next + "; then run worldsetup again",
	}
}

// firstLine returns the first line of a text, without its newline.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
