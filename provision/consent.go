package provision

import (
	"cmp"
	"context"
	"slices"
)

// consent is what the caller of a run agrees to.
type consent struct {
	allow      Disruption // of the Spec: agreed to without asking
	approve    func(context.Context, Plan) error
	trustUnits func(context.Context, ProjectUnits) error
	// agreed is the deepest disruption that the run may cause; empty before the first plan was agreed to.
	agreed Disruption
}

// ask asks the caller before the first change, and never again: a plan that interrupts more than was agreed to ends
// the run.
func (c *consent) ask(ctx context.Context, plan Plan) error {
	if plan.Empty() {
		return nil
	}
	if err := c.trusts(ctx, plan); err != nil {
		return err
	}
	agreed := cmp.Or(c.agreed, c.allow)
	if agreed != "" && plan.disturbs().Above(agreed) && !plan.Destroys() {
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
	if c.agreed = cmp.Or(agreed, plan.Disruption()); plan.disturbs() == "" || plan.Destroys() {
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

// agreed is the list of a run's steps: the plan that was agreed to, in its order, and after it what was added.
// The rules are: a step keeps its number. Those that were agreed to are carried out in their order: one that would come
// before its turn is added instead. What a plan for a world that was observed as a whole does not hold is skipped.
type agreed struct {
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
func (a *agreed) update(plan Plan, whole bool) (numbered Plan, skipped []Step) {
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
func (a *agreed) pending(id StepID, turn int, skips bool) int {
	for at, s := range a.steps {
		if s.ID == id && s.state == StepPending && !s.taken &&
			(s.Added || s.Number > turn && (skips || !a.waits(at))) {
			return at
		}
	}
	return -1
}

// waits reports whether a step that was agreed to has others before it that are still to come, and not in the plan.
func (a *agreed) waits(at int) bool {
	return slices.ContainsFunc(a.steps[:at], func(s agreedStep) bool {
		return s.state == StepPending && !s.taken && !s.Added
	})
}

// enter puts a step at its place in the list, or at its end if it has none, and returns it with its number.
func (a *agreed) enter(at int, step Step, added bool) Step {
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
func (a *agreed) begin(step Step) Step {
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
func (a *agreed) end(step Step, state StepState) { a.steps[step.Number-1].state = state }

// skip marks the pending steps that unneeded reports as skipped, and returns them.
func (a *agreed) skip(unneeded func(agreedStep) bool) (skipped []Step) {
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
		return "the user is in it already"
	case StepLinger:
		return "it is on already"
	case StepWaitForBoot:
		return "it has booted"
	case StepStop, StepStart:
		return "it does without"
	}
	return "it was found in order"
}

// planned emits a plan with the numbers of the run's list, and before it what it no longer holds.
func (a *agreed) planned(plan Plan, whole bool) Plan {
	plan, skipped := a.update(plan, whole)
	a.emitSkipped(skipped)
	a.events.emit(Event{Type: EventPlan, Plan: &plan})
	return plan
}

func (a *agreed) emitSkipped(steps []Step) {
	for _, step := range steps {
		a.events.emit(Event{Type: EventStep, Step: &StepStatus{
			Number: step.Number, Of: len(a.steps), ID: step.ID, Title: step.Title, Reason: step.Reason,
			Added: step.Added, State: StepSkipped,
		}})
	}
}
