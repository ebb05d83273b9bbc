package tui

import (
	"slices"

	"github.com/atomize-hq/worldsetup/provision"
)

// failurePage shows why it went no further, and how to go on.
type failurePage struct{}

func (failurePage) title() string { return "Not ready" }

func (failurePage) offers(f *facts) []offer {
	offers := []offer{{again, "try again"}}
	if undone(f) {
		offers = []offer{{again, "look again"}} // the consent to it is over
	}
	if f.can.choose && len(f.story.steps) == 0 { // what was asked for may be to blame
		offers = append(offers, offer{choose, "choices"})
	}
	return append(offers, offer{openLog, "log"}, offer{leave, "leave"})
}

func (failurePage) body(f *facts, t *text) {
	if f.failure != nil {
		showError(t, f.failure)
	}
	t.blank()
	switch {
	case len(f.story.steps) == 0:
		t.put("", "Nothing has been changed.")
	case undone(f):
		t.put("", "It was undone. This was done, the undoing included:")
	default:
		t.put("", "What was begun stays as it is, and another try carries on from there:")
	}
	for i := range f.story.steps {
		left(t, &f.story.steps[i])
	}
	t.blank()
	t.labelled(0, "log:", f.logPath)
	lastWords(f, t)
}

// undone says whether a VM got its name back in the end. When the undoing failed as well, the error says so.
func undone(f *facts) bool {
	steps := f.story.steps
	placed := slices.ContainsFunc(steps, func(s step) bool { return s.ID == provision.StepUndoPlace && s.State == provision.StepDone })
	return placed && steps[len(steps)-1].ID.RollsBack() && steps[len(steps)-1].State == provision.StepDone
}

// lastWords are the end of the log: what went wrong is often said there.
func lastWords(f *facts, t *text) {
	const few = 5
	n := f.log.len()
	if n == 0 {
		return
	}
	t.heading("The end of the log")
	for i := max(0, n-few); i < n; i++ {
		t.styled(t.dim, "  ", f.log.at(i))
	}
}

// left says what became of a step.
func left(t *text, step *step) {
	switch step.State {
	case provision.StepDone:
		t.put("  "+t.mark(provision.OK)+" ", "done: "+step.Title)
	case provision.StepFailed:
		t.put("  "+t.mark(provision.Failed)+" ", "not done: "+step.Title)
	default:
		t.put("  "+t.mark(provision.Unknown)+" ", "begun: "+step.Title)
	}
}
