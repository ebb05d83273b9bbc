package provision

import (
	"context"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// StepID names a kind of step. It is stable: scripts may compare it.
type StepID string

// Step is one change that a plan intends.
type Step struct {
	ID     StepID `json:"id"`
	Title  string `json:"title"`
	Reason string `json:"reason"` // the observed fact that calls for it
	// Usual is how long it usually takes on current hardware; ten times that under emulation.
	Usual time.Duration `json:"usual_ns"`
	// Disruption is how deep it cuts into what exists; empty for a new VM.
	Disruption Disruption `json:"disruption,omitempty"`
	// Interrupts says that programs running in the VM are stopped by it.
	Interrupts bool `json:"interrupts,omitempty"`
	// Conditional says that the step will be left out if the new VM turns out not to need it.
	Conditional bool `json:"conditional,omitempty"`
	// Destroys says that a VM and all that is in it are gone afterwards.
	Destroys bool `json:"destroys,omitempty"`

	// operands are what the step is about, where that is not everything: packages, paths, names of programs.
	operands []string
	force    bool // of StepStop: the VM is stopped by force
	rollback bool // of StepActivate: the agent is new; the one before is restored if it does not answer
	last     bool // of StepWaitForBoot: nothing is left to do afterwards but the marker
}

// kind is all that is known of the steps of one ID: when they are needed, what they do, and what their failure means.
// The list in [kinds] has one literal for each.
type kind struct {
	id         StepID
	title      string
	usual      time.Duration // measured on a VM under emulation, divided by ten
	disruption Disruption
	interrupts bool
	destroys   bool

	// plan adds the step to the plan of a running guest that needs it; nil where another part of a plan does.
	plan func(p *Plan, t target, s State)
	// inNew says whether the layout of a new VM needs it; nil for never.
	inNew func(t target) bool
	// conditional: a new VM may turn out not to need it.
	conditional bool
	// early: it comes before a restart of the VM, not after it.
	early bool
	// reobserve: the world is observed again after it, before anything else is done.
	reobserve bool
	// follows: it comes because of the step before it, which has the reason.
	follows bool
	// reports: it takes long, and progress of the VM's boot or of a download is reported for it.
	reports bool
	// repairs are the items of the health report that it repairs.
	repairs []string

	// task is what root does in the guest; nil for a step that is more than one script.
	task func(t target, o *guest.Observation, step Step) (*task, error)
	// act does everything else.
	act func(r *run, ctx context.Context, at State, step Step, line func(string)) error
	// explain completes the failure of a step that ended in err; nil where nothing is known but the error.
	explain func(r *run, at State, failure *Error, err error)
}

// ofLayout says whether the step installs a part of the layout.
func (k kind) ofLayout() bool { return k.inNew != nil }

// StepIDs returns the IDs of all steps, in the order in which a plan holds them.
func StepIDs() (ids []StepID) {
	for _, k := range kinds() {
		ids = append(ids, k.id)
	}
	return ids
}

// kindOf returns the kind of a step's ID.
func kindOf(id StepID) kind {
	all := kinds()
	return all[orderOf(id, all)]
}

// orderOf returns the place of an ID in the list.
func orderOf(id StepID, all []kind) int {
	for i := range all {
		if all[i].id == id {
			return i
		}
	}
	panic("provision: no step has the id " + string(id))
}

// newStep makes a step with its reasons.
func newStep(id StepID, reasons ...string) Step {
	k := kindOf(id)
	return Step{
		ID: id, Title: k.title, Usual: k.usual, Disruption: k.disruption,
		Interrupts: k.interrupts, Destroys: k.destroys,
		Reason: strings.Join(reasons, "; "),
	}
}
