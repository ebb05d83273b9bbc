package tui

import (
	"fmt"
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// planPage shows what would be changed and asks for consent, or says why it cannot be.
type planPage struct{}

func (planPage) title() string { return "Plan" }

func (planPage) offers(f *facts) []offer {
	if f.plan.Err() != nil {
		return []offer{{again, "look again"}, {openLog, "log"}, {leave, "leave"}}
	}
	return []offer{{goOn, "do it"}, {again, "look again"}, {openLog, "log"}, {leave, "leave"}}
}

func (planPage) body(f *facts, t *text) {
	switch {
	case len(f.plan.Replace) > 0:
		replacement(f, t)
	case f.failure != nil:
		showError(t, f.failure)
		t.blank()
		t.put("", "Nothing has been changed.")
	default:
		consent(f, t)
	}
	if troubles := f.story.troubles(); len(troubles) > 0 {
		t.heading("Worth knowing")
		for _, check := range troubles {
			showCheck(t, check)
		}
	}
}

// replacement says why no step would help.
func replacement(f *facts, t *text) {
	t.put(t.mark(provision.Failed)+" ", "Only another VM would do: the VM "+f.plan.VM+" cannot become the world that was asked for. Nothing has been changed.")
	t.blank()
	for _, reason := range f.plan.Replace {
		t.put("  "+t.dot+" ", reason)
	}
	t.blank()
	if f.failure != nil {
		t.labelled(0, "next:", f.failure.Next)
	}
}

func consent(f *facts, t *text) {
	var usual time.Duration
	for _, step := range f.plan.Steps {
		usual += step.Usual
	}
	summary := fmt.Sprintf("%s for the VM %s", count(len(f.plan.Steps), "step"), f.plan.VM)
	if usual > 0 {
		summary += ", usually " + plaintext.Duration(usual) + " in all"
	}
	t.put("", summary+". Nothing has been changed yet.")
	if f.plan.Interrupts() {
		t.put(t.warn.Render("!")+" ", "Programs that run in the VM will be stopped.")
	}
	if f.plan.Unseen {
		t.put("  ", "More may follow: the inside of the VM is seen only when it runs.")
	}
	t.blank()
	for i, step := range f.plan.Steps {
		t.put(fmt.Sprintf("%2d. ", i+1), step.Title)
		t.styled(t.dim, "    ", note(step.Reason, usually(step.Usual), when(step.Conditional, "left out if not needed"), when(step.Interrupts, "stops programs in the VM")))
	}
}

// note joins what there is to say.
func note(parts ...string) (joined string) {
	for _, part := range parts {
		if part != "" && joined != "" {
			joined += "; "
		}
		joined += part
	}
	return joined
}

func when(is bool, words string) string {
	if is {
		return words
	}
	return ""
}
