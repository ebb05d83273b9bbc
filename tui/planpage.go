package tui

import (
	"fmt"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// planPage shows what there is, what would be changed and why, and asks for consent, or says why it cannot be.
type planPage struct{}

func (planPage) title() string { return "Plan" }

// offers begin with the consent. What destroys is not agreed to by a key that is pressed elsewhere.
func (planPage) offers(f *facts) (offers []offer) {
	switch {
	case len(f.plan.Steps) == 0:
	case f.plan.Destroys():
		offers = append(offers, offer{replace, "replace it"})
	case f.plan.RestoresBackup():
		offers = append(offers, offer{goOn, "bring it back"})
	case f.plan.Repairs():
		offers = append(offers, offer{goOn, "repair it"})
	default:
		offers = append(offers, offer{goOn, "do it"})
	}
	if f.plan.Existing != nil && !f.replacing {
		offers = append(offers, f.wholes("replace instead")...)
	}
	if f.plan.RestoresBackup() {
		offers = append(offers, offer{remove, "remove"})
	}
	if f.can.choose {
		offers = append(offers, offer{choose, "choices"})
	}
	return append(offers, offer{again, "look again"}, offer{openLog, "log"}, offer{leave, "leave it"})
}

func (planPage) body(f *facts, t *text) {
	f.notify(t)
	switch {
	case len(f.plan.Replace) > 0:
		replacement(f, t)
	case f.failure != nil:
		showError(t, f.failure)
		t.blank()
		t.put("", "Nothing has been changed.")
	default:
		consent(f, t)
		if f.plan.Destroys() {
			fate(t)(f.plan.Losses())
		}
	}
	existing(f, t)
	steps(f, t)
	if troubles := f.story.troubles(); len(troubles) > 0 {
		t.heading("Worth knowing")
		for _, check := range troubles {
			showCheck(f, t, check)
		}
	}
}

// replacement says why no other step would help.
func replacement(f *facts, t *text) {
	t.put(t.mark(provision.Failed)+" ", "Only another VM would do: the VM "+f.plan.VM+" cannot become the world that was asked for. Nothing has been changed.")
	for _, reason := range f.plan.Replace {
		t.put("  "+t.dot+" ", reason)
	}
	if len(f.plan.Steps) > 0 {
		fate(t)(f.plan.Losses())
		return
	}
	t.blank()
	if f.failure != nil {
		t.labelled(0, "next:", f.failure.Next)
	}
}

func consent(f *facts, t *text) {
	summary := fmt.Sprintf("%s for the VM %s", count(len(f.plan.Steps), "step"), f.plan.VM)
	if usual := f.plan.Usual(); usual > 0 {
		summary += ", usually " + plaintext.Duration(usual) + " in all"
	}
	t.put("", summary+". Nothing has been changed yet.")
	if f.plan.Interrupts() {
		t.put(t.warn.Render("!")+" ", "Programs that run in the VM will be stopped.")
	}
	if f.plan.Unseen {
		t.put("  ", "More may follow: the inside of the VM is seen only when it runs.")
	}
}

// steps are what would be changed.
func steps(f *facts, t *text) {
	if len(f.plan.Steps) == 0 {
		return
	}
	t.heading("What would be done")
	for i, step := range f.plan.Steps {
		t.put(fmt.Sprintf("%2d. ", i+1), step.Title)
		t.styled(t.dim, "    ", note(step.Reason, usually(step.Usual), when(step.Conditional, "left out if not needed"), when(step.Interrupts, "stops programs in the VM")))
		if step.Destroys {
			t.put("    "+t.warn.Render("!")+" ", "what it takes away cannot be had back")
		}
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
