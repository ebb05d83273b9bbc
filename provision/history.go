package provision

import "maps"

// history is what was begun in this run.
type history struct {
	steps    map[StepID]bool
	finished map[StepID]bool // without an error
	reasons  map[string]bool
	// unheld is a step that did not hold, although it was done; locked is why ssh refuses new connections. Empty for none.
	unheld, locked string
}

// begun says whether a step was begun in this run.
func (h *history) begun(id StepID) bool { return h.steps[id] }

// finish notes that a step came to its end.
func (h *history) finish(step Step) {
	finished := maps.Clone(h.finished) // states hold the other
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

// forget takes back that a step was begun.
func (h *history) forget(step Step) {
	delete(h.steps, step.ID)
	delete(h.reasons, string(step.ID)+": "+step.Reason)
}

// again finds a step of the plan that was done before for the very same reason: doing it once more would not help.
func (h *history) again(plan Plan) (step Step, again bool) {
	for _, step := range plan.Steps {
		k := kindOf(step.ID)
		if !k.follows && h.reasons[string(step.ID)+": "+step.Reason] {
			return step, true
		}
		if k.reobserve {
			break // what comes after it is planned again then
		}
	}
	return Step{}, false
}
