package tui

// prerequisitesPage shows what this machine has, while the plan is being made.
type prerequisitesPage struct{}

func (prerequisitesPage) title() string { return "Prerequisites" }

func (prerequisitesPage) offers(f *facts) []offer {
	if f.doing != idle {
		return []offer{{stop, "stop looking"}}
	}
	return []offer{{again, "check again"}, {openLog, "log"}, {leave, "leave"}}
}

func (prerequisitesPage) body(f *facts, t *text) {
	settled := f.doing == idle
	if settled {
		t.put("", "This machine lacks something. Nothing has been changed.")
		t.blank()
		for _, check := range f.story.troubles() {
			showCheck(t, check)
		}
		t.blank()
	}
	for _, check := range f.story.checks {
		if check.outcome != omitted && !(settled && check.troubled()) {
			showCheck(t, check)
		}
	}
	switch {
	case f.stopping:
		t.put(t.spin(f.beats)+" ", "stopping …")
	case !settled:
		t.put(t.spin(f.beats)+" ", "looking at this machine and the VM "+f.vm+", changing nothing: "+ticking(f.now.Sub(f.began)))
		t.focus = len(t.lines) - 1
	}
}
