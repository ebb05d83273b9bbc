package provision

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// This file is what was agreed to, and what became of it: the consent of the caller, the list that was agreed to, and
// what was done so far.

// consent is what the caller of a run agrees to.
type consent struct {
	allow      Disruption // of the Spec: agreed to without asking
	approve    func(context.Context, Plan) error
	trustUnits func(context.Context, ProjectUnits) error
	// agreed is the deepest disruption that the run may cause; empty before a plan with one was agreed to.
	agreed Disruption
}

// askCaller asks the caller before the first change, and never again once a disruption was agreed to: a plan that
// interrupts more than that ends the run. Who agreed to wait for a boot, or to remove leftovers, has agreed to none.
func (c *consent) askCaller(ctx context.Context, plan Plan) error {
	if plan.Empty() {
		return nil
	}
	if err := c.trusts(ctx, plan); err != nil {
		return err
	}
	agreed := cmp.Or(c.agreed, c.allow)
	if agreed != "" && plan.disturbs().Above(agreed) && !plan.changesVMs() {
		return beyondConsent(plan)
	}
	if c.agreed != "" {
		return nil
	}
	if c.approve != nil {
		if err := c.approve(ctx, plan); err != nil {
			return err
		}
	}
	if c.agreed = cmp.Or(agreed, plan.Disruption()); plan.idle() || plan.changesVMs() {
		c.agreed = DisruptionForce // nothing runs in it that was there before
	}
	return nil
}

// trusts asks whether the units that a plan would install are trusted.
func (c *consent) trusts(ctx context.Context, plan Plan) error {
	switch units := plan.Units; {
	case units == nil || !plan.has(StepUnits):
		return nil
	case units.Fault != nil:
		return units.Fault
	case c.trustUnits == nil:
		return UntrustedUnits(*units, "")
	default:
		return c.trustUnits(ctx, *units)
	}
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
		Kind: KindDisruption, What: "continuing would interrupt more than was agreed to",
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

// UntrustedUnits returns the error of units that are not trusted. before is the digest of the units that were trusted
// last; empty if none were.
func UntrustedUnits(units ProjectUnits, before string) *Error {
	what := "the project brings systemd units that are not trusted yet"
	if before != "" {
		what = "the systemd units that the project brings have changed since you trusted them"
	}
	why := append([]string{"they are run as root in the VM: " + strings.Join(units.Files, ", ")}, units.Warnings...)
	return &Error{
		Kind: KindUsage, What: what, Why: strings.Join(why, "\n"),
		Next: "read them, then: worldsetup trust " + shellescape.Quote(units.Project) + "; then run worldsetup again",
	}
}

// agreedList is the list of a run's steps: the plan that was agreed to, in its order, and after it what was added.
// The rules are: a step keeps its number. Those that were agreed to are carried out in their order: one that would come
// before its turn is added instead. What a plan for a world that was observed as a whole does not hold is skipped.
type agreedList struct {
	events *emitter
	made   bool // there is a list
	steps  []agreedStep
}

type agreedStep struct {
	Step
	state StepState
	taken bool // by the plan that is being looked up
}

// update takes the plan that was just made. It returns the plan with the numbers of the list, and the steps that turned
// out not to be needed. whole reports that the plan holds all that is left to do.
func (a *agreedList) update(plan Plan, whole bool) (numbered Plan, skipped []Step) {
	first := !a.made
	a.made = true
	for i := range a.steps {
		a.steps[i].taken = false
	}
	numbered, numbered.Steps = plan, []Step{}
	turn := 0 // of what was agreed to, all up to this number was had
	for _, step := range plan.Steps {
		step = a.enter(a.pending(step.ID, turn, whole), step, !first)
		if !step.Added {
			turn = step.Number
		}
		numbered.Steps = append(numbered.Steps, step)
	}
	if !whole {
		return numbered, nil
	}
	return numbered, a.skip(func(s agreedStep) bool { return !s.taken && !isLast(s.ID) })
}

// pending returns the place of a step that is still to come, and is not taken: an added one, or one whose turn comes
// after the number, and with skips also before others that are still to come; -1 without one.
func (a *agreedList) pending(id StepID, turn int, skips bool) int {
	for at, s := range a.steps {
		if s.ID == id && s.state == StepPending && !s.taken &&
			(s.Added || s.Number > turn && (skips || !a.waits(at))) {
			return at
		}
	}
	return -1
}

// waits reports whether a step that was agreed to has others before it that are still to come, and not in the plan.
func (a *agreedList) waits(at int) bool {
	return slices.ContainsFunc(a.steps[:at], func(s agreedStep) bool {
		return s.state == StepPending && !s.taken && !s.Added
	})
}

// enter puts a step at its place in the list, or at its end if it has none, and returns it with its number.
func (a *agreedList) enter(at int, step Step, added bool) Step {
	if at < 0 {
		at = len(a.steps)
		a.steps = append(a.steps, agreedStep{Step: Step{Number: at + 1, Added: added}, state: StepPending})
	}
	listed := &a.steps[at]
	step.Number, step.Added = listed.Number, listed.Added
	listed.Step, listed.taken = step, true
	return step
}

// isLast reports whether a step follows after the world is complete, so that no plan for the world holds it.
func isLast(id StepID) bool { return id == StepReplaceRemove || id == StepReplaceKeep }

// begin returns a step that is about to be carried out with its number. What the list does not have is added.
func (a *agreedList) begin(step Step) Step {
	if step.Number == 0 {
		for i := range a.steps {
			a.steps[i].taken = false
		}
		step = a.enter(a.pending(step.ID, 0, true), step, true)
	}
	a.steps[step.Number-1].state = StepRunning
	return step
}

// end records how a step has ended.
func (a *agreedList) end(step Step, state StepState) { a.steps[step.Number-1].state = state }

// skip marks the pending steps that unneeded reports as skipped, and returns them.
func (a *agreedList) skip(unneeded func(agreedStep) bool) (skipped []Step) {
	for i := range a.steps {
		if s := &a.steps[i]; s.state == StepPending && unneeded(*s) {
			s.state, s.Reason = StepSkipped, whyUnneeded(s.ID)
			skipped = append(skipped, s.Step)
		}
	}
	return skipped
}

// whyUnneeded is why an agreed step turned out not to be needed.
func whyUnneeded(id StepID) string {
	switch id {
	case StepPackages:
		return "all of them are there"
	case StepGroup:
		return "the user is already a member"
	case StepLinger:
		return "it is already on"
	case StepWaitForBoot:
		return "it has booted"
	case StepStop, StepStart:
		return "no restart is needed"
	}
	return "it was already ok"
}

// planned emits a plan with the numbers of the run's list, and before it what it no longer holds.
func (a *agreedList) planned(plan Plan, whole bool) Plan {
	plan, skipped := a.update(plan, whole)
	a.emitSkipped(skipped)
	a.events.emit(Event{Type: EventPlan, Plan: &plan})
	return plan
}

func (a *agreedList) emitSkipped(steps []Step) {
	for _, step := range steps {
		a.events.emit(Event{Type: EventStep, Step: &StepStatus{
			Number: step.Number, Of: len(a.steps), ID: step.ID, Title: step.Title, Reason: step.Reason,
			Added: step.Added, State: StepSkipped,
		}})
	}
}

// history holds the steps that were started in this run.
type history struct {
	steps    map[StepID]bool
	finished map[StepID]bool // without an error
	reasons  map[string]bool
	// unheld describes a step that had no lasting effect; locked is why ssh refuses new connections. Both may be empty.
	unheld, locked string
	lockedCause    guest.ConnectionCause
}

// hasBegun reports whether a step was begun in this run.
func (h *history) hasBegun(id StepID) bool { return h.steps[id] }

// finish records that a step has ended.
func (h *history) finish(step Step) {
	finished := maps.Clone(h.finished) // earlier states share the old map
	if finished == nil {
		finished = map[StepID]bool{}
	}
	finished[step.ID] = h.steps[step.ID]
	h.finished = finished
}

func (h *history) add(step Step) {
	if h.steps == nil {
		h.steps, h.reasons = map[StepID]bool{}, map[string]bool{}
	}
	h.steps[step.ID] = true
	h.reasons[string(step.ID)+": "+step.Reason] = true
}

// forget removes a step from the history.
func (h *history) forget(step Step) {
	delete(h.steps, step.ID)
	delete(h.reasons, string(step.ID)+": "+step.Reason)
}

// again finds a step of the plan that was done before for the very same reason, so that repeating it would not help.
func (h *history) again(plan Plan) (step Step, again bool) {
	for _, step := range plan.Steps {
		k := kindOf(step.ID)
		if !k.follows && h.reasons[string(step.ID)+": "+step.Reason] {
			return step, true
		}
		if k.reobserve {
			break // the steps after it are planned again then
		}
	}
	return Step{}, false
}

// escalate asks for a restart of the VM when a step in the guest had no lasting effect, once per run: that restarts
// processes, sockets and file systems.
func (h *history) escalate(s *State, step Step) bool {
	if step.ID == StepStage || h.unheld != "" || h.hasBegun(StepStop) || s.Guest == nil ||
		step.Disruption.level() >= DisruptionRestart.level() {
		return false
	}
	h.unheld = fmt.Sprintf("the step %q was done, but had no lasting effect: %s", step.Title, step.Reason)
	s.Unheld = h.unheld
	return true
}
