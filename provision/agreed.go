package provision

import "slices"

// agreed is the list of a run's steps: the plan that was agreed to, in its order, and after it what was added.
// The rules are: a step keeps its number; what later plans hold is looked up in the list first; what they don't hold any
// more, although all was observed, is skipped.
type agreed struct {
	made  bool // there is a list
	steps []agreedStep
}

type agreedStep struct {
	Step
	state StepState
}

// update takes the plan that was just made. It returns the plan with the numbers of the list, and the steps that turned
// out not to be needed. whole reports that the plan holds all that is left to do.
func (a *agreed) update(plan Plan, whole bool) (numbered Plan, skipped []Step) {
	first := !a.made
	a.made = true
	taken := map[int]bool{}
	numbered, numbered.Steps = plan, []Step{}
	for _, step := range plan.Steps {
		step = a.number(step, !first, taken)
		taken[step.Number] = true
		numbered.Steps = append(numbered.Steps, step)
	}
	if !whole {
		return numbered, nil
	}
	return numbered, a.skip(func(s Step) bool { return !taken[s.Number] && !isLast(s.ID) })
}

// isLast reports whether a step follows after the world is complete, so that no plan for the world holds it.
func isLast(id StepID) bool { return id == StepReplaceRemove || id == StepReplaceKeep }

// number gives a step its number: that of the first pending one of its kind that is not taken, or else the next.
func (a *agreed) number(step Step, added bool, taken map[int]bool) Step {
	at := slices.IndexFunc(a.steps, func(s agreedStep) bool {
		return s.ID == step.ID && s.state == StepPending && !taken[s.Number]
	})
	if at < 0 {
		at = len(a.steps)
		a.steps = append(a.steps, agreedStep{Step{Number: at + 1, Added: added}, StepPending})
	}
	step.Number, step.Added = a.steps[at].Number, a.steps[at].Added
	a.steps[at].Step = step
	return step
}

// begin returns a step that is about to be carried out with its number. What the list does not have is added.
func (a *agreed) begin(step Step) Step {
	if step.Number == 0 {
		step = a.number(step, true, nil)
	}
	a.steps[step.Number-1].state = StepRunning
	return step
}

// end records how a step has ended.
func (a *agreed) end(step Step, state StepState) { a.steps[step.Number-1].state = state }

// skip marks the pending steps that unneeded reports as skipped, and returns them.
func (a *agreed) skip(unneeded func(Step) bool) (skipped []Step) {
	for i := range a.steps {
		if s := &a.steps[i]; s.state == StepPending && unneeded(s.Step) {
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
func (r *run) planned(plan Plan, whole bool) Plan {
	plan, skipped := r.list.update(plan, whole)
	r.skipped(skipped)
	r.events.emit(Event{Type: EventPlan, Plan: &plan})
	return plan
}

// preview returns a plan that nothing is done about, with its times and numbers.
func (r *run) preview(plan Plan) Plan {
	r.estimate(&plan)
	plan, _ = new(agreed).update(plan, false)
	return plan
}

func (r *run) skipped(steps []Step) {
	for _, step := range steps {
		r.events.emit(Event{Type: EventStep, Step: &StepStatus{
			Number: step.Number, Of: len(r.list.steps), ID: step.ID, Title: step.Title, Reason: step.Reason,
			Added: step.Added, State: StepSkipped,
		}})
	}
}

// whole reports whether the plan holds all that is left to do: everything was observed.
func (v view) whole() bool {
	return v.state.Guest != nil && !v.plan.Unseen && v.plan.Blocked == nil && len(v.plan.Replace) == 0
}
