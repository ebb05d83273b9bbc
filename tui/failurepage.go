package tui

import (
	"fmt"
	"slices"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

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
	return append(offers, offerLog, offer{keyLeave, "quit", (*model).leave}, offerDetails(f))
}

func (failurePage) command(f *facts) string {
	if f.failure == nil {
		return ""
	}
	return commandIn(f.failure.Next)
}

func (failurePage) body(f *facts, t *text) {
	f.showAlert(t)
	p := &f.progress
	if f.failure != nil {
		failure := *f.failure
		if !f.progress.Begun() && failure.Kind == provision.KindInterrupted {
			failure.What = "Stopped. Nothing was changed."
		}
		t.failure(&failure, t.dim.Render(failedAt(f)))
	}
	t.blank()
	summary := fmt.Sprintf("%d of %s done", p.Count(provision.StepDone), plaintext.Count(len(p.Steps), "step"))
	switch {
	case !f.progress.Begun() && f.failure != nil && f.failure.Kind == provision.KindInterrupted: // said above
	case !f.progress.Begun():
		t.put("", "Nothing has been changed.")
	case p.RolledBack():
		t.put(t.mark(provision.OK)+" ", "It was rolled back: the VM is as it was before.")
	default:
		t.put(t.mark(provision.OK)+" ", summary+" and kept; another try carries on from there.")
	}
	t.labelled(2, "log", f.options.LogPath)
	if f.failure != nil && f.failure.Kind != provision.KindInterrupted {
		t.labelled(2, "report", f.options.Report)
	}
	begun := slices.DeleteFunc(slices.Clone(p.Steps), func(step provision.StepProgress) bool {
		return step.State == provision.StepPending || step.State == provision.StepSkipped
	})
	const logLines = 6
	if len(begun) > 0 && len(begun)+logLines <= t.room() {
		t.blank()
		for i := range begun {
			showListed(f, t, &begun[i])
		}
	}
	t.focus = -1
	showLogEnd(f, t)
}

// failedAt is the step at which a run ended, and after how long.
func failedAt(f *facts) string {
	for i := range f.progress.Steps {
		step := &f.progress.Steps[i]
		if step.State == provision.StepFailed || step.State == provision.StepRunning {
			return fmt.Sprintf("step %d of %d, after %s", step.Number, len(f.progress.Steps), took(f.lasted(step)))
		}
	}
	return ""
}

// showLogEnd writes the end of the log: the cause is often there.
func showLogEnd(f *facts, t *text) {
	const few = 5
	if f.log.len() == 0 {
		return
	}
	t.blank()
	showTail(f, t, max(few, t.room()))
}

// removedPage reports that the world was deleted.
type removedPage struct{}

func (removedPage) title() string { return "Removed" }

func (removedPage) offers(*facts) []offer {
	return []offer{{keyAgain, "plan a new one", (*model).replan}, offerLog, {keyLeave, "quit", (*model).leave}}
}

func (removedPage) body(f *facts, t *text) {
	t.put(t.mark(provision.OK)+" "+t.good.Render("removed")+": ",
		"the world in the VM "+f.options.VM+" is gone. Lima's downloads are kept for the next one.")
	t.blank()
	for i := range f.progress.Steps {
		showListed(f, t, &f.progress.Steps[i])
	}
}
