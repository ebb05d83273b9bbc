package tui

import "github.com/atomize-hq/worldsetup/provision"

// prerequisitesPage shows what this machine has, while the plan is being made.
type prerequisitesPage struct{}

func (prerequisitesPage) title() string { return "Prerequisites" }

func (prerequisitesPage) offers(f *facts) (offers []offer) {
	if f.doing != idle {
		return []offer{{stop, "stop looking"}}
	}
	if f.can.fix && len(f.story.fixable()) > 0 {
		offers = append(offers, offer{fix, "fix"})
	}
	if f.can.choose {
		offers = append(offers, offer{choose, "choices"})
	}
	return append(offers, offer{again, "check again"}, offer{openLog, "log"}, offer{leave, "leave"})
}

func (prerequisitesPage) body(f *facts, t *text) {
	f.notify(t)
	settled := f.doing == idle
	if settled {
		t.put("", "This machine lacks something. Nothing has been changed.")
		t.blank()
		for _, check := range f.story.troubles() {
			showCheck(f, t, check)
		}
		t.blank()
	}
	for _, check := range f.story.checks {
		if check.outcome != provision.Omitted && !(settled && check.troubled()) {
			showCheck(f, t, check)
		}
	}
	switch {
	case f.stopping:
		t.put(t.spin(f.beats)+" ", "stopping"+t.more)
	case !settled:
		t.put(t.spin(f.beats)+" ", "looking at this machine and the VM "+f.vm+", changing nothing: "+ticking(f.now.Sub(f.began)))
		t.focus = len(t.lines) - 1
	}
}

// showCheck writes a prerequisite, with cause and remedy when it is not fine. What waits for another one is quiet.
func showCheck(f *facts, t *text, check check) {
	switch {
	case check.outcome == provision.Pending:
		t.put(t.spin(f.beats)+" ", check.title)
		return
	case check.outcome == provision.Skipped:
		t.styled(t.dim, t.mark(provision.Skipped)+" ", check.title+": "+check.found)
		return
	}
	word, found := "", check.found
	if check.troubled() {
		word = t.style(check.outcome).Render(string(check.outcome)) + ": "
	}
	if found != "" {
		found = ": " + found
	}
	t.put(t.mark(check.outcome)+" "+word, check.title+found)
	t.labelled(2, "why:", check.why)
	t.labelled(2, "next:", check.next)
	if check.fix != "" && f.can.fix {
		t.labelled(2, "fix:", "f shows the command that would fix it, and asks")
	}
}
