package tui

import (
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// page is a screen: what it shows and what can be done on it. Pages hold no state of the run; that is in facts.
type page interface {
	title() string
	offers(f *facts) []offer
	body(f *facts, t *text)
}

// facts are what is known of the run. Pages read them; only the root model writes them.
type facts struct {
	vm, logPath string

	story story
	log   ring
	plan  provision.Plan // that is to be consented to, or was

	doing    call
	stopping bool // the call was cancelled and has not ended yet
	began    time.Time
	now      time.Time
	beats    int

	health  *provision.Health
	failure *provision.Error // why the world is not ready
	ready   bool             // it was proven to be, by the last call
}

// curable says whether the last proof has shown steps that would help.
func (f *facts) curable() bool {
	return !f.ready && f.health != nil && len(f.health.Drift.Steps) > 0
}

// showCheck writes a prerequisite, with cause and remedy when it is not fine.
func showCheck(t *text, check check) {
	word := ""
	switch check.outcome {
	case provision.Warning, provision.Failed, provision.Unknown:
		word = t.style(check.outcome).Render(string(check.outcome)) + ": "
	}
	found := check.found
	if found != "" {
		found = ": " + found
	}
	t.put(t.mark(check.outcome)+" "+word, check.title+found)
	t.labelled(2, "why:", check.why)
	t.labelled(2, "next:", check.next)
}

// showError writes a failure in its three parts.
func showError(t *text, failure *provision.Error) {
	t.put(t.mark(provision.Failed)+" "+t.bad.Render("error")+": ", failure.What)
	t.blank()
	t.labelled(2, "why:", failure.Why)
	t.blank()
	t.labelled(2, "next:", failure.Next)
}
