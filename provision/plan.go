package provision

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
)

// Plan holds the steps that make the observed world what the Spec asks for. An empty plan means that there is nothing
// to change.
type Plan struct {
	VM    string `json:"vm"`
	Steps []Step `json:"steps"`
	// Unseen reports that the inside of the VM could not be observed, because it does not run: more steps may follow.
	Unseen bool `json:"unseen,omitempty"`
	// Replace holds the reasons for replacing the VM. Steps is empty then, unless there is consent
	// to it (Spec.Replace).
	Replace []string `json:"replace,omitempty"`
	// Blocked is why the plan can't be carried out. Steps is empty then.
	Blocked *Error `json:"blocked,omitempty"`
	// Unrepaired is what is wrong, and for a person to change.
	Unrepaired []Unrepaired `json:"unrepaired,omitempty"`
	// Opens describes what the profile and the image of a new VM open on this machine, beyond what every world has.
	Opens []string `json:"opens,omitempty"`
	// HomeLeftOut reports that the user's home directory is not mounted in the world.
	HomeLeftOut bool `json:"home_left_out,omitempty"`
	// Units describes the units that the project brings; nil when they are worldsetup's own.
	Units *ProjectUnits `json:"units,omitempty"`
	// Existing is the present VM; nil when there is none.
	Existing *Existing `json:"existing,omitempty"`
	// Gets describes the world that the plan leads to; nil in the plan of a restoration or a removal.
	Gets *Gets `json:"gets,omitempty"`
	// Total is how long the run takes, with observing and verifying.
	Total time.Duration `json:"total_ns,omitempty"`
	// Decided is what the files that Lima reads for all VMs decide about this one.
	Decided []Decision `json:"decided,omitempty"`
	// keep is how the VM stays as it is, in place of a replacement; empty for what holds of all VMs.
	keep string
}

// StepID names a kind of step. It is stable: scripts may compare it.
type StepID string

// Step is one change that a plan intends.
type Step struct {
	ID     StepID `json:"id"`
	Title  string `json:"title"`
	Reason string `json:"reason"` // the observed fact that calls for it
	// Number is its place in the list of a run, which starts with the plan that was agreed to, and never changes; 0 in
	// the drift of a [Health].
	Number int `json:"number,omitempty"`
	// Added reports that it was not in the plan that was agreed to.
	Added bool `json:"added,omitempty"`
	// Usual is how long it takes: on this machine, as far as that was recorded.
	Usual time.Duration `json:"usual_ns"`
	// Disruption is what it interrupts in an existing VM; empty for a new one.
	Disruption Disruption `json:"disruption,omitempty"`
	// Interrupts reports that programs running in the VM are stopped by it.
	Interrupts bool `json:"interrupts,omitempty"`
	// Conditional reports that the step will be left out if the new VM turns out not to need it.
	Conditional bool `json:"conditional,omitempty"`
	// Destroys reports that a VM and all that is in it are gone afterwards.
	Destroys bool `json:"destroys,omitempty"`

	// first is set when the step has to come before a restart of the VM.
	first bool
	// operands limit the step to some packages, paths or names of programs.
	operands []string
	force    bool // of StepStop: the VM is stopped by force
	rollback bool // of StepActivate: the agent is new; the one before is restored if it does not answer
	listens  bool // of StepActivate: the socket is as it has to be, and stays
	later    bool // of StepStage: it can wait, and the world is ready without it
	last     bool // of StepWaitForBoot: nothing is left to do afterwards but the marker
}

// Decision is a setting of a VM that is decided by override.yaml, base.yaml or default.yaml in Lima's directory
// _config.
type Decision struct {
	Key   string `json:"key"`             // as Lima calls it: "cpus", "mountType"
	Value string `json:"value,omitempty"` // empty for a list or a mapping
	Where string `json:"where"`           // the file and the line
}

// Existing is the VM that a plan is about, as Lima and its directory show it.
type Existing struct {
	Status   string    `json:"status"` // running, stopped, broken …, in lower case
	Type     string    `json:"type"`   // "qemu" or "vz"
	Arch     string    `json:"arch"`   // as Lima writes it: "x86_64", "aarch64"
	CPUs     int       `json:"cpus"`
	Memory   int64     `json:"memory"`           // bytes
	Disk     int64     `json:"disk"`             // bytes, as the guest sees it
	DiskUsed int64     `json:"disk_used"`        // bytes that it takes on this machine
	Created  time.Time `json:"created"`          // zero when that is unknown
	Layout   string    `json:"layout,omitempty"` // the marker in the guest; empty without one, or unseen
	// LastSeen is how the inside was when a run last verified it; nil when it is seen now, or that isn't known.
	LastSeen  *LastSeen `json:"last_seen,omitempty"`
	Project   string    `json:"project,omitempty"`   // the directory that is mounted at /src, or staged
	Workdir   string    `json:"-"`                   // where the project is in the guest
	Owner     Ownership `json:"owner"`               // whether it is a world, and what shows it
	Protected bool      `json:"protected,omitempty"` // by `limactl protect`
	// ProtectedBy is who called it: worldsetup, whose own steps lift the protection, or others.
	ProtectedBy string `json:"protected_by,omitempty"`
	Kept        string `json:"kept,omitempty"` // the name of the old VM that is kept beside it
}

// Empty reports whether there is nothing to change and nothing in the way.
func (p Plan) Empty() bool { return len(p.Steps) == 0 && len(p.Replace) == 0 && p.Blocked == nil }

// settled reports whether there is nothing to change without which the world would not be ready.
func (p Plan) settled() bool {
	return len(p.Replace) == 0 && p.Blocked == nil &&
		!slices.ContainsFunc(p.Steps, func(s Step) bool { return !s.later })
}

// complete reports whether only the layout marker is left to write.
func (p Plan) complete() bool {
	return p.Empty() || len(p.Steps) == 1 && p.has(StepMarker)
}

// Interrupts reports whether a step of the plan stops programs that run in the VM.
func (p Plan) Interrupts() bool {
	for _, step := range p.Steps {
		if step.Interrupts {
			return true
		}
	}
	return false
}

// Err returns the error of a plan that cannot be carried out, whose kind depends on what is in the way; nil for every
// other plan.
func (p Plan) Err() error {
	if p.Blocked != nil {
		return p.Blocked
	}
	if len(p.Replace) == 0 || len(p.Steps) > 0 {
		return nil
	}
	return &Error{
		Kind: KindReplacement,
		What: fmt.Sprintf("VM %s can't be changed to match these settings; it must be replaced", p.VM),
		Why:  strings.Join(p.Replace, "\n"),
		Next: fmt.Sprintf("%s, choose another name (--vm NAME), or replace it: %s "+
			"(--keep-old keeps the old VM)", cmp.Or(p.keep, "keep the current settings"),
			consentCommand("worldsetup", "--replace", p.VM)),
	}
}

// Disruption is what a step interrupts. A run escalates to a higher level only when a lower one did not help.
type Disruption string

// The levels of disruption, the least first.
const (
	DisruptionLive Disruption = "live" // running programs continue
	DisruptionUnit Disruption = "unit" // the agent's socket and service are restarted
	// Lima's shared ssh connection is renewed; mounts and programs that use the old one continue
	DisruptionConnection Disruption = "connection"
	DisruptionRestart    Disruption = "vm-restart" // the VM is shut down and started
	DisruptionForce      Disruption = "vm-force"   // the VM is powered off and started
	DisruptionReplace    Disruption = "replace"    // another VM
)

// levels are the disruptions in that order, with the words for those that can be allowed, and what a step of each does.
var levels = []struct {
	Disruption
	word, effect string
}{
	{"", "", ""},
	{DisruptionLive, "live", "interrupts nothing"},
	{DisruptionUnit, "unit", "restarts the agent"},
	{DisruptionConnection, "connection", "renews Lima's ssh connection"},
	{DisruptionRestart, "restart", "restarts the VM"},
	{DisruptionForce, "force", "powers the VM off"},
	{DisruptionReplace, "", "replaces the VM"},
}

// level returns its place in that order; 0 for none or an unknown one.
func (r Disruption) level() int {
	for i, level := range levels {
		if r == level.Disruption {
			return i
		}
	}
	return 0
}

// Above reports whether r interrupts more than other.
func (r Disruption) Above(other Disruption) bool { return r.level() > other.level() }

// ParseDisruption returns the disruption that a word stands for: live, unit, connection, restart or force.
func ParseDisruption(word string) (Disruption, error) {
	for _, level := range levels {
		if level.word == word && word != "" {
			return level.Disruption, nil
		}
	}
	return "", usage("give live, unit, connection, restart or force", "%q is no level of disruption", word)
}

// Word returns the word for a disruption that [ParseDisruption] reads; empty for others.
func (r Disruption) Word() string { return levels[r.level()].word }

// Disruption returns the deepest disruption of the plan; empty for a plan that changes nothing, or makes a new VM.
func (p Plan) Disruption() (highest Disruption) {
	if len(p.Replace) > 0 {
		return DisruptionReplace
	}
	for _, step := range p.Steps {
		if step.Disruption.Above(highest) {
			highest = step.Disruption
		}
	}
	return highest
}

// disturbs is like Disruption, and empty as well for a VM that is stopped, in which nothing runs.
func (p Plan) disturbs() Disruption {
	if p.Existing == nil || p.Existing.Status == strings.ToLower(limatype.StatusStopped) {
		return ""
	}
	return p.Disruption()
}

// existing is what there is now; nil when there is no VM.
func existing(s State) *Existing {
	instance := s.Instance
	if instance == nil {
		return nil
	}
	e := &Existing{
		Status: strings.ToLower(instance.Status), Type: instance.VMType, Arch: instance.Arch, CPUs: instance.CPUs,
		Memory: instance.Memory, Disk: instance.Disk,
		DiskUsed: lifecycle.Taken(instance.Dir), Created: lifecycle.Created(instance.Dir),
		Owner: s.ownership(), Protected: instance.Protected, ProtectedBy: s.ProtectedBy,
	}
	if s.Guest != nil {
		e.Layout = s.Guest.Marker
	} else {
		e.LastSeen = s.LastSeen
	}
	if instance.Config != nil {
		e.Project = projectOf(instance)
		if of, staged := shownLayout(instance); staged {
			e.Workdir = of.Current()
		} else if e.Project != "" {
			e.Workdir = guest.ProjectMount
		}
	}
	return e
}

// needsConsent is the error of a plan that does away with a VM, to which that needs consent.
func needsConsent(plan Plan, command, flag string) *Error {
	var why string
	for _, step := range plan.Steps {
		if step.Destroys {
			why = fmt.Sprintf("the step %q destroys a VM and all that is in it", step.Title)
		}
	}
	if why == "" {
		why = "programs that run in it would be stopped"
	}
	return &Error{
		Kind: KindReplacement, What: fmt.Sprintf("the VM %s would be deleted or replaced, and that needs consent",
			plan.VM), Why: why,
		Next: "if that is what you want: " + consentCommand("worldsetup "+command, flag, plan.VM),
	}
}

// ChangedError is the error of [Plan.Approve] when the plan is no longer the one that was agreed to.
type ChangedError struct{ Plan Plan }

func (ChangedError) Error() string { return "the plan has changed" }

// Approve approves of the plan that a person has seen, and of no other: between the question and the first change
// another program may have changed the VM. It fits [Setup.Approve].
func (p Plan) Approve(_ context.Context, now Plan) error {
	if p.Same(now) {
		return nil
	}
	return &Error{
		Kind: KindInterrupted, What: "the plan is no longer the one that was agreed to",
		Next: "read the new plan; nothing has been changed", Err: ChangedError{now},
	}
}

// DeeperError is the error of a run whose later plan would interrupt more than was agreed to. A run with
// [Spec.Allow] set to the plan's disruption goes on.
type DeeperError struct{ Plan Plan }

func (DeeperError) Error() string { return "the plan interrupts more than was agreed to" }

// ApproveUpTo approves of every plan that interrupts no more than p, which a person has agreed to, and destroys
// nothing.
func (p Plan) ApproveUpTo(ctx context.Context, now Plan) error {
	if p.VM == now.VM && !now.Destroys() && !now.Disruption().Above(p.Disruption()) {
		return nil
	}
	return p.Approve(ctx, now)
}

// beyondConsent is the error of a plan that interrupts more than was agreed to.
func beyondConsent(plan Plan) *Error {
	failure := &Error{
		Kind: KindDisruption, What: "going on would interrupt more than was agreed to",
		Next: "if that is all right: " + vmCommand("worldsetup", plan.VM) + " --allow=" + plan.Disruption().Word(),
		Err:  DeeperError{plan},
	}
	for _, step := range plan.Steps {
		if step.Disruption == plan.Disruption() {
			failure.Why = fmt.Sprintf("the step %q %s: %s", step.Title, levels[step.Disruption.level()].effect, step.Reason)
			break
		}
	}
	return failure
}

// Same reports whether two plans do the same for the same reasons: a person agreed to what was shown.
func (p Plan) Same(other Plan) bool {
	if p.VM != other.VM || len(p.Steps) != len(other.Steps) ||
		!slices.Equal(p.Opens, other.Opens) || p.HomeLeftOut != other.HomeLeftOut {
		return false
	}
	for i := range p.Steps {
		a, b := p.Steps[i], other.Steps[i]
		later := a.later && b.later // how much the project has changed by now
		if a.ID != b.ID || a.Reason != b.Reason && !later || a.Disruption != b.Disruption || a.Destroys != b.Destroys {
			return false
		}
	}
	return true
}

// Destroys reports whether the plan deletes something that nothing can restore.
func (p Plan) Destroys() bool { return len(p.Replace) > 0 || p.deletesVM() }

func (p Plan) deletesVM() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Destroys })
}

// Losses describes what a run deletes when it applies the plan, and what it keeps.
func (p Plan) Losses() (deleted, kept string) {
	deleted, kept = p.Existing.onlyInVM(), p.Existing.onHost()
	switch {
	case len(p.Replace) > 0 && !p.deletesVM():
		deleted = "nothing: the old VM is kept, stopped and under another name, for `worldsetup restore`"
	case len(p.Replace) > 0:
		kept += ". The old VM is kept until the new one answers, and restored if it never does"
	}
	return deleted, kept
}

// RestoreLosses describes the same for a plan of [Setup.PlanRestore].
func (p Plan) RestoreLosses() (deleted, kept string) {
	kept = "the VM that was kept, with everything in it; "
	switch {
	case p.has(StepRestoreRemove):
		deleted = "of the current VM, " + p.Existing.onlyInVM()
	case p.has(StepRestoreKeep):
		deleted = "nothing"
		kept += "the current VM, stopped and under another name, for `worldsetup restore`; "
	case p.deletesVM():
		return "leftovers of an interrupted run", kept + p.Existing.onHost()
	default:
		return "nothing", kept + p.Existing.onHost()
	}
	return deleted, kept + p.Existing.onHost() + ". The current VM is restored if the other one does not answer"
}

// RemoveLosses describes the same for a plan of [Setup.PlanRemove].
func (p Plan) RemoveLosses() (deleted, kept string) {
	if p.has(StepRemoveVM) {
		deleted = p.Existing.onlyInVM() + "; "
	}
	if p.has(StepRemoveKept) {
		name := ""
		if p.Existing != nil && p.Existing.Kept != "" {
			name = p.Existing.Kept + " "
		}
		deleted += "the kept VM " + name + "with everything in it; "
	}
	if p.has(StepRollbackRemove) {
		deleted += "leftovers of an interrupted run; "
	}
	return deleted + "the log of the last run", p.Existing.onHost() + "; Lima's downloads"
}

// onlyInVM describes the data that exists only in the VM.
func (e *Existing) onlyInVM() string {
	lost := "the disk of the VM"
	if e != nil && e.DiskUsed > 0 {
		lost += ", " + plaintext.Bytes(e.DiskUsed) + " used"
	}
	return lost + "; programs, containers and files that are only there"
}

// onHost describes the data in the VM that is on the host.
func (e *Existing) onHost() string {
	kept := "the project"
	if e != nil && e.Project != "" {
		kept += " " + e.Project
	}
	return kept + " and your home directory, which are on this machine"
}

// OnlyReplacement reports whether only another VM would do, and the plan has no steps for that, since consent is
// missing.
func (p Plan) OnlyReplacement() bool {
	return len(p.Replace) > 0 && len(p.Steps) == 0 && p.Blocked == nil
}

// Creates reports whether the plan creates a VM.
func (p Plan) Creates() bool { return p.has(StepCreate) }

// RestoresBackup reports whether there is no VM, but a backup that a run renames back first.
func (p Plan) RestoresBackup() bool { return p.Existing == nil && p.has(StepRollbackPlace) }

// Repairs reports whether there is a world already.
func (p Plan) Repairs() bool { return p.Existing != nil && p.Existing.Layout != "" }

// Usual is how long the run usually takes: the steps, and observing and verifying if that is known.
func (p Plan) Usual() (usual time.Duration) {
	if p.Total > 0 {
		return p.Total
	}
	for _, step := range p.Steps {
		usual += step.Usual
	}
	return usual
}

// add plans a step at its place if there is a reason for it, and reports whether there is.
func (p *Plan) add(id StepID, reasons ...string) bool {
	if len(reasons) > 0 {
		p.insert(newStep(id, reasons...))
	}
	return len(reasons) > 0
}

// insert plans a step at the place that the list of kinds gives it.
func (p *Plan) insert(step Step) {
	all := kinds()
	order := orderOf(step.ID, all)
	at := slices.IndexFunc(p.Steps, func(s Step) bool { return orderOf(s.ID, all) > order })
	if at < 0 {
		at = len(p.Steps)
	}
	p.Steps = slices.Insert(p.Steps, at, step)
}

func (p *Plan) has(id StepID) bool { return p.at(id) >= 0 }

// at returns the place of a step; -1 without it.
func (p *Plan) at(id StepID) int {
	return slices.IndexFunc(p.Steps, func(s Step) bool { return s.ID == id })
}

// nonEmpty returns text as the only element, or nothing if it is empty.
func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// prefixed returns words, each with prefix before it.
func prefixed(prefix string, words []string) (prefixed []string) {
	for _, word := range words {
		prefixed = append(prefixed, prefix+word)
	}
	return prefixed
}
