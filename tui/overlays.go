package tui

import "slices"

// stopPage asks whether to stop. It starts on no, and keys that it does not offer do nothing.
type stopPage struct{}

func (stopPage) title() string { return "Stop?" }

func (stopPage) asks() {}

func (stopPage) offers(*facts) []offer {
	return []offer{{no, "no, go on"}, {yes, "yes, stop"}}
}

func (stopPage) body(f *facts, t *text) {
	t.styled(t.strong, "", "Stop what is being done?")
	t.blank()
	t.put("", "It goes on meanwhile. "+afterStopping(f))
	if step := f.story.current(); step != nil {
		t.blank()
		t.put("under way: ", step.Title)
	}
}

// afterStopping says what becomes of what was begun.
func afterStopping(f *facts) string {
	switch {
	case f.doing == removing:
		return "What is removed by then is gone; the rest stays, and can be removed later."
	case f.doing == restoring, f.doing == running && len(f.plan.Replace) > 0:
		return "When it is stopped before the other VM was proven, it is undone: the VM gets its name back, and is started if it ran."
	}
	return "Whatever is done stays as it is, what is under way is broken off, and running worldsetup again carries on from there."
}

// fixPage shows what would be run to fix a prerequisite, and asks. It starts on no.
type fixPage struct{ check check }

func (fixPage) title() string { return "Fix?" }

func (fixPage) asks() {}

func (fixPage) offers(*facts) []offer {
	return []offer{{no, "no"}, {yes, "yes, run it"}}
}

func (p fixPage) body(_ *facts, t *text) {
	t.styled(t.strong, "", "Fix this? "+p.check.title+": "+p.check.found)
	t.blank()
	t.put("", "This is what will be run, exactly:")
	t.styled(t.strong, "  $ ", p.check.fix)
	t.blank()
	if p.check.note != "" {
		t.put("", p.check.note)
	}
	t.put("", "The screen is left meanwhile: it may ask for your password. Everything is checked again afterwards.")
}

// helpPage lists what can be done on the page below it.
type helpPage struct {
	below page
	keys  keyMap
}

func (helpPage) title() string { return "Help" }

func (helpPage) offers(*facts) []offer { return []offer{{back, "back"}} }

func (p helpPage) body(f *facts, t *text) {
	t.styled(t.strong, "", p.below.title())
	here := p.below.offers(f)
	p.list(t, here)
	t.heading("Everywhere")
	p.list(t, slices.DeleteFunc(everywhere(f), func(o offer) bool { return has(here, o.action) }))
	t.heading("Where there is more than fits")
	p.list(t, scrolling())
}

func (p helpPage) list(t *text, offers []offer) {
	for _, offer := range offers {
		t.field(p.keys[offer.action].Help().Key, offer.words)
	}
}
