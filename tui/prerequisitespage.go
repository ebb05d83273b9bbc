package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// prerequisitesPage shows what this machine has, while the plan is being made.
type prerequisitesPage struct{}

func (prerequisitesPage) title() string { return "Prerequisites" }

func (prerequisitesPage) offers(f *facts) (offers []offer) {
	if f.call != idle {
		return []offer{{keyStop, "stop", (*model).askToStop}}
	}
	if check := f.progress.Fixable(); f.options.Fix != nil && check != nil {
		offers = []offer{{keyFix, "fix", func(m *model) tea.Cmd { return m.cover(fixPage{*check}) }}}
	}
	offers = append(offers, f.offerChoices()...)
	return append(offers, offer{keyAgain, "check again", (*model).replan}, offerLog,
		offer{keyLeave, "leave", (*model).leave})
}

func (prerequisitesPage) body(f *facts, t *text) {
	f.showAlert(t)
	done := f.call == idle
	if done {
		t.put("", "Prerequisites are missing. Nothing has been changed.")
		t.blank()
		for _, check := range f.progress.Problems() {
			showCheck(f, t, check)
		}
		t.blank()
	}
	for _, check := range f.progress.Checks {
		if check.Outcome != provision.Omitted && !(done && check.Outcome.IsProblem()) {
			showCheck(f, t, check)
		}
	}
	switch {
	case f.stopping:
		t.put(t.spin(f.beats)+" ", "stopping"+t.more)
	case !done:
		words := "checking this machine and the VM " + f.options.VM + ", changing nothing: "
		t.put(t.spin(f.beats)+" ", words+clock(f.now.Sub(f.began)))
		t.focus = len(t.lines) - 1
	}
}

// showCheck writes a prerequisite, with why and next when it failed. What waits for another one is quiet.
func showCheck(f *facts, t *text, check provision.CheckResult) {
	switch check.Outcome {
	case provision.Pending:
		t.put(t.spin(f.beats)+" ", check.Title)
		return
	case provision.Skipped:
		t.styled(t.dim, t.mark(provision.Skipped)+" ", check.Title+": "+check.Found)
		return
	}
	word := ""
	if check.Outcome.IsProblem() {
		word = t.word(check.Outcome) + ": "
	}
	t.put(t.mark(check.Outcome)+" "+word, check.Title+when(check.Found != "", ": "+check.Found))
	t.labelled(2, "why:", check.Why)
	t.labelled(2, "next:", check.Next)
	if check.Fix != nil && f.options.Fix != nil {
		t.labelled(2, "fix:", "f shows the command that would fix it, and asks")
	}
}

// fixPage shows the command that fixes a prerequisite, and asks. It starts on no.
type fixPage struct{ check provision.CheckResult }

func (fixPage) title() string { return "Fix?" }
func (fixPage) asks()         {}

func (p fixPage) offers(*facts) []offer {
	return []offer{{keyNo, "no", (*model).uncover}, {keyYes, "yes, run it", func(m *model) tea.Cmd {
		m.uncover()
		return runFix(m.ctx, m.options, p.check.ID)
	}}}
}

func (p fixPage) body(_ *facts, t *text) {
	t.styled(t.strong, "", "Fix this? "+p.check.Title+": "+p.check.Found)
	t.blank()
	t.put("", "This command will be run, exactly:")
	t.styled(t.strong, "  $ ", p.check.Fix.String())
	t.blank()
	if p.check.Fix.Note != "" {
		t.put("", p.check.Fix.Note)
	}
	t.put("", "It runs without the wizard on the screen, and may ask for your password. Then everything is checked "+
		"again.")
}
