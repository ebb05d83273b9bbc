package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// prerequisitesPage shows what this machine has, while the plan is being made.
type prerequisitesPage struct{}

func (prerequisitesPage) title() string { return "Check" }

func (prerequisitesPage) offers(f *facts) (offers []offer) {
	if f.call != idle {
		return []offer{{keyStop, "stop", (*model).askToStop}}
	}
	if check := f.offersFix(); check != nil {
		offers = []offer{{keyFix, "fix", func(m *model) tea.Cmd { return m.cover(fixPage{*check}) }}}
	}
	offers = append(offers, f.offerChoices()...)
	return append(offers, offer{keyAgain, "check again", (*model).replan}, offerLog,
		offer{keyLeave, "quit", (*model).leave}, offerDetails(f))
}

func (prerequisitesPage) command(f *facts) string {
	for _, check := range f.progress.Problems() {
		if command := commandIn(check.Next); command != "" && f.call == idle {
			return command
		}
	}
	return ""
}

func (prerequisitesPage) note(f *facts) string {
	return when(f.call == idle, "Nothing has been changed.")
}

func (prerequisitesPage) body(f *facts, t *text) {
	f.showAlert(t)
	finished := f.call == idle
	problems := f.progress.Problems()
	if finished {
		t.row(t.strong, "", "Prerequisites are missing.", t.dim.Render(when(t.fold > 0, t.folded())))
		t.gap()
	}
	for _, check := range problems {
		showCheck(f, t, check)
	}
	t.blank()
	fine := slices.DeleteFunc(slices.Clone(f.progress.Checks), func(check provision.CheckResult) bool {
		return check.Outcome == provision.Omitted || check.Outcome.IsProblem()
	})
	settled := func(check provision.CheckResult) bool {
		return check.Outcome == provision.OK || check.Outcome == provision.Info
	}
	if folds := len(fine) > t.room()-1; folds { // those that are fine are counted
		all := len(fine)
		if fine = slices.DeleteFunc(fine, settled); len(fine) < all {
			t.put(t.mark(provision.OK)+" ", fmt.Sprintf("%d more are fine", all-len(fine)))
		}
		for len(fine) > max(3, t.room()-2) && fine[len(fine)-1].Outcome == provision.Pending {
			fine = fine[:len(fine)-1]
		}
	}
	for _, check := range fine {
		showCheck(f, t, check)
	}
	switch {
	case f.stopping:
		t.put(t.spin(f.beats)+" ", "stopping"+t.more)
	case !finished:
		words := "checking this machine and the VM " + f.options.VM + ", changing nothing: "
		t.put(t.spin(f.beats)+" ", words+clock(f.now.Sub(f.began)))
		t.focus = len(t.lines) - 1
	}
}

// offersFix is the check whose fix a key offers now; nil for none.
func (f *facts) offersFix() *provision.CheckResult {
	if f.call != idle || f.options.Fix == nil {
		return nil
	}
	return f.progress.Fixable()
}

// showCheck writes a prerequisite, with why and what to do when it failed. What waits for another one is quiet.
func showCheck(f *facts, t *text, check provision.CheckResult) {
	switch check.Outcome {
	case provision.Pending:
		t.styled(t.dim, t.spin(f.beats)+" ", check.Title)
		return
	case provision.Skipped:
		t.styled(t.dim, t.mark(provision.Skipped)+" ", check.Title+": "+check.Found)
		return
	}
	if !check.Outcome.IsProblem() {
		t.row(lipgloss.NewStyle(), t.mark(check.Outcome)+" ", check.Title+when(check.Found != "", ": "+check.Found), "")
		return
	}
	t.styled(t.strong, t.mark(check.Outcome)+" ", check.Title+when(check.Found != "", ": "+check.Found))
	next := check.Next
	if t.fold > 1 { // the first way
		next, _, _ = strings.Cut(next, "\n")
	}
	if t.fold == 0 {
		t.labelled(4, "why", check.Why)
	}
	t.advice("    "+t.dim.Render("do")+"  ", strings.TrimSuffix(next, ";"))
	if fixable := f.offersFix(); fixable != nil && fixable.ID == check.ID {
		t.labelled(4, "fix", t.keyName(keyFix)+" shows the command that would fix it, and asks")
	}
}

// fixPage shows the command that fixes a prerequisite, and asks. It starts on no.
type fixPage struct{ check provision.CheckResult }

func (fixPage) title() string { return "Fix?" }
func (fixPage) asks()         {}

func (p fixPage) offers(*facts) []offer {
	return []offer{{keyRefuse, "no", (*model).uncover}, {keyRun, "yes, run it", func(m *model) tea.Cmd {
		m.uncover()
		return runFix(m.ctx, m.options, p.check.ID)
	}}}
}

func (p fixPage) body(_ *facts, t *text) {
	t.styled(t.strong, "", "Fix this? "+p.check.Title+": "+p.check.Found)
	t.blank()
	t.put("", "Exactly this command will be run:")
	t.command("  $ ", p.check.Fix.String())
	t.blank()
	if p.check.Fix.Note != "" {
		t.put("", p.check.Fix.Note)
	}
	t.put("", "The wizard leaves the screen while it runs, and it may ask for your password. Then everything is checked "+
		"again.")
}
