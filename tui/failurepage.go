package tui

import "github.com/atomize-hq/worldsetup/provision"

// failurePage shows why the run went no further, and how to go on.
type failurePage struct{}

func (failurePage) title() string { return "Not ready" }

func (failurePage) offers(f *facts) []offer {
	words := "try again"
	if f.progress.RolledBack() {
		words = "check again" // the consent no longer counts
	}
	offers := []offer{{keyAgain, words, (*model).replan}}
	if !f.progress.Begun() { // the choices may be the cause
		offers = append(offers, f.offerChoices()...)
	}
	return append(offers, offerLog, offer{keyLeave, "leave", (*model).leave})
}

func (failurePage) body(f *facts, t *text) {
	if f.failure != nil {
		t.failure(f.failure)
	}
	t.blank()
	switch {
	case !f.progress.Begun():
		t.put("", "Nothing has been changed.")
	case f.progress.RolledBack():
		t.put("", "It was rolled back. These are the steps, including the rollback:")
	default:
		t.put("", "Finished steps are kept, and another try carries on from there:")
	}
	showResults(f, t)
	t.blank()
	t.labelled(0, "log:", f.options.LogPath)
	showLogEnd(f, t)
}

// showResults writes the result of each step.
func showResults(f *facts, t *text) {
	for _, step := range f.progress.Steps {
		switch step.State {
		case provision.StepDone:
			t.put("  "+t.mark(provision.OK)+" ", "done: "+step.Title)
		case provision.StepFailed:
			t.put("  "+t.mark(provision.Failed)+" ", "failed: "+step.Title)
		case provision.StepPending, provision.StepSkipped:
		default:
			t.put("  "+t.mark(provision.Unknown)+" ", "started: "+step.Title)
		}
	}
}

// showLogEnd writes the end of the log: the cause is often there.
func showLogEnd(f *facts, t *text) {
	const few = 5
	if f.log.len() == 0 {
		return
	}
	t.heading("The end of the log")
	for n := max(f.log.lost, f.log.end()-few); n < f.log.end(); n++ {
		t.styled(t.dim, "  ", f.log.line(n))
	}
}

// removedPage reports that the world was deleted.
type removedPage struct{}

func (removedPage) title() string { return "Removed" }

func (removedPage) offers(*facts) []offer {
	return []offer{{keyAgain, "plan a new one", (*model).replan}, offerLog, {keyLeave, "leave", (*model).leave}}
}

func (removedPage) body(f *facts, t *text) {
	t.put(t.mark(provision.OK)+" "+t.good.Render("removed")+": ",
		"the world in the VM "+f.options.VM+" is gone. Lima's downloads are kept for the next one.")
	t.blank()
	showResults(f, t)
}
