package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// page is a screen: what it shows and what can be done on it. Pages hold no state of the run; that is in facts.
type page interface {
	title() string
	offers(f *facts) []offer
	body(f *facts, t *text)
}

// form is a page that somebody may type into.
type form interface {
	page
	writing() bool          // letters are text now
	write(msg tea.Msg) page // the page after a key, or after something was pasted
}

// question is a page that nothing leads away from but its answers.
type question interface{ asks() }

// facts are what is known of the run. Pages read them; only the root model writes them.
type facts struct {
	vm, logPath string
	can         abilities
	choices     provision.Choices

	story  story
	log    ring
	plan   provision.Plan // that is to be consented to, or was
	agreed provision.Plan // what the name was typed for, last
	// replacing says that the plan is one of a replacement, which nobody has consented to yet. refusal is what stands when
	// nobody does.
	replacing bool
	refusal   *provision.Error
	// notice is what the page in front should begin with; what is news goes when somebody turns to another page.
	notice notice

	doing    call
	stopping bool // the call was cancelled and has not ended yet
	began    time.Time
	now      time.Time
	beats    int

	health  *provision.Health
	looked  time.Time        // when health came
	failure *provision.Error // why the world is not ready
	ready   bool             // it was proven to be, by the last call
	removed bool             // the world was, by the last call
	unsure  string           // why health, which is being watched, may be out of date by now; empty when it is not
	changed bool             // something was, since the beginning
}

// abilities are what the options allow.
type abilities struct{ choose, fix, export, keep bool }

// notice is something that has just become known.
type notice struct {
	outcome provision.Outcome
	words   string
}

// notify writes the notice.
func (f *facts) notify(t *text) {
	if f.notice.words != "" {
		t.put(t.mark(f.notice.outcome)+" ", f.notice.words)
		t.blank()
	}
}

// seen takes a report of watching.
func (f *facts) seen(health *provision.Health) {
	f.unsure = ""
	for _, item := range health.Items {
		if item.ID == provision.ItemLook && f.health != nil { // the last report stays until there is another one
			f.unsure = item.Found
			return
		}
	}
	f.health, f.looked, f.ready, f.failure = health, f.now, health.Ready, nil
	if !health.Ready {
		f.failure = &provision.Error{
			Kind: provision.KindUnhealthy, What: "the world in the VM " + health.VM + " is not ready",
			Next: "run worldsetup, which cures what it can",
		}
	}
}

// kept says whether there is a VM that could be brought back.
func (f *facts) kept() bool {
	if f.health != nil {
		return f.health.Keeps()
	}
	e := f.existing()
	return e != nil && e.Kept != ""
}

// existing is the VM that there is now: of the last report when there is one, since what was planned may have been done.
func (f *facts) existing() *provision.Existing {
	if f.health != nil {
		return f.health.Drift.Existing
	}
	return f.plan.Existing
}

// wholes are what can be done about a VM as a whole.
func (f *facts) wholes(replacement string) []offer {
	offers := []offer{{instead, replacement}}
	if f.kept() {
		offers = append(offers, offer{bringBack, "bring back"})
	}
	return append(offers, offer{remove, "remove"})
}

// curable says whether the last proof has shown steps that would help.
func (f *facts) curable() bool {
	return !f.ready && f.health != nil && len(f.health.Drift.Steps) > 0
}

// replaceable says whether the last proof has shown that only another VM would help.
func (f *facts) replaceable() bool {
	return !f.ready && f.health != nil && len(f.health.Drift.Replace) > 0
}

// showError writes a failure in its three parts.
func showError(t *text, failure *provision.Error) {
	t.put(t.mark(provision.Failed)+" "+t.bad.Render("error")+": ", failure.What)
	t.blank()
	t.labelled(2, "why:", failure.Why)
	t.blank()
	t.labelled(2, "next:", failure.Next)
}
