package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"
)

// stopPage asks whether to stop. It starts on no, and keys that it does not offer do nothing.
type stopPage struct{}

func (stopPage) title() string { return "Stop?" }
func (stopPage) asks()         {}

func (stopPage) offers(*facts) []offer {
	return []offer{{keyNo, "no, go on", (*model).uncover}, {keyYes, "yes, stop", func(m *model) tea.Cmd {
		m.uncover()
		return m.stop()
	}}}
}

func (stopPage) body(f *facts, t *text) {
	t.styled(t.strong, "", "Stop the current work?")
	t.blank()
	t.put("", "Work continues until you answer. "+afterStopping(f))
	if step := f.progress.Current(); step != nil {
		t.blank()
		t.put("current step: ", step.Title)
	}
}

// afterStopping describes what happens to the work when it is stopped.
func afterStopping(f *facts) string {
	switch {
	case f.call == removing:
		return "What is deleted by then stays deleted; the rest is kept, and can be removed later."
	case f.call == restoring, f.call == running && len(f.plan.Replace) > 0:
		return "If you stop before the other VM is verified, everything is rolled back: the VM gets its name back, " +
			"and is started if it was running."
	}
	return "Finished steps are kept; the current one is aborted. Running worldsetup again carries on from there."
}

// helpPage lists what can be done on the page below it.
type helpPage struct{ below page }

func (helpPage) title() string { return "Help" }

func (helpPage) offers(*facts) []offer { return []offer{offerBack} }

func (p helpPage) body(f *facts, t *text) {
	list := func(offers []offer) {
		for _, offer := range offers {
			t.field(t.keyName(offer.key), offer.words)
		}
	}
	t.styled(t.strong, "", p.below.title())
	here := offersOf(p.below, f)
	list(here)
	t.heading("Everywhere")
	list(slices.DeleteFunc(everywhere(f), func(o offer) bool { return has(here, o.key) }))
	t.heading("Scrolling")
	list(scrolling())
}

// managePage offers what can be done about whole VMs. Each asks for the VM's name before anything is deleted.
type managePage struct{}

func (managePage) title() string { return "Manage" }

func (managePage) offers(f *facts) []offer {
	return append(f.lifecycle(), offer{keyManageBack, "back", (*model).uncover})
}

func (managePage) body(f *facts, t *text) {
	f.showAlert(t)
	t.styled(t.strong, "", "The VM "+f.options.VM)
	t.blank()
	for _, offer := range f.lifecycle() {
		t.put("  "+t.strong.Render(t.keyName(offer.key))+"  ", offer.words)
	}
	t.blank()
	t.styled(t.dim, "", "Each first shows what is deleted and what is kept, and asks for the VM's name.")
}
