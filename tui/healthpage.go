package tui

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/provision"
)

// healthPage shows the report: whether the world is ready, what to type now, and what was observed and verified.
type healthPage struct{}

func (healthPage) title() string { return "Health" }

func (healthPage) offers(f *facts) (offers []offer) {
	if f.call == watching {
		offers = []offer{{key: keyWatch, words: "stop watching", do: (*model).toggleWatching}}
	} else {
		words := "verify"
		switch drift := f.health.Drift; {
		case f.ready:
		case len(drift.Replace) > 0:
			words = "see the replacement"
		case len(drift.Steps) > 0:
			words = "repair"
		}
		offers = []offer{
			{key: keyAgain, words: words, do: (*model).replan},
			{key: keyWatch, words: "watch", do: (*model).toggleWatching},
		}
	}
	words := "checks"
	if f.unfolded {
		words = "fewer"
	}
	offers = append(offers, offer{key: keyEnter, words: words, do: (*model).toggleFolds})
	if f.options.Export != nil {
		offers = append(offers, offer{key: keyExport, words: "export", do: func(m *model) tea.Cmd {
			return export(m.ctx, m.options, *m.facts.health)
		}})
	}
	if f.call == idle && f.health.Exists() {
		offers = append(offers, f.manage()...)
	}
	return append(offers, offerLog, offer{key: keyLeave, words: "quit", do: (*model).leave})
}

func (healthPage) command(f *facts) string {
	if f.ready {
		return tryIt(f.health)
	}
	for _, finding := range f.health.Wrong() {
		if command := commandIn(finding.Next); command != "" {
			return command
		}
	}
	return ""
}

func (healthPage) body(f *facts, t *text) {
	f.showAlert(t)
	h := f.health
	if h.Run != nil {
		t.put(t.spin(f.beats)+" ", "A run is at work on the VM: "+h.Run.String())
		showWatching(f, t)
		return
	}
	showVerdict(f, t)
	showWatching(f, t)
	if f.ready {
		t.blank()
		t.command(t.strong.Render("Try it")+"    ", tryIt(h))
	}
	showProblems(f, t, h)
	t.blank()
	showSocket(f, t, h.Socket)
	wide := t.wide()
	if wide || t.room() > len(h.Access)+6 {
		t.blank()
	}
	t.beside(72, func(t *text) { showAccess(t, h) }, func(t *text) { showChecks(f, t, h, !wide) })
}

// tryIt is the command to type in a world that is ready.
func tryIt(h *provision.Health) string {
	return "worldsetup shell" + when(h.VM != provision.DefaultVM, " --vm "+h.VM)
}

// probeWords describe the built-in agent.
const probeWords = "PROBE: answers, runs no commands"

// showVerdict writes whether the world is ready, since when that is known, and which agent it has.
func showVerdict(f *facts, t *text) {
	h := f.health
	age := f.now.Sub(f.observed)
	words := "verified " + ago(age)
	if age >= time.Minute && t.fold == 0 && f.call == idle {
		words += "; " + t.keyName(keyAgain) + " verifies again"
	}
	agent := "agent " + h.Agent.Version
	switch {
	case h.Agent.Version == "" && h.Agent.SHA256 == "":
		agent = "no agent found"
	case h.Agent.Version == "":
		agent = "the agent did not answer"
	}
	sep := " " + t.dot + " "
	prefix := t.mark(provision.Failed) + " " + t.bad.Bold(true).Render("Not ready") + sep
	switch {
	case f.stale != "":
		prefix, words = t.mark(provision.Unknown)+" ", f.stale
	case f.ready:
		prefix = t.mark(provision.OK) + " " + t.good.Bold(true).Render("Ready") + sep
		words += sep + agent
	case h.Exists():
		words = "the VM is " + h.Instance + sep + words + sep + agent
	default:
		words = "there is no VM called " + h.VM
	}
	if right := t.warn.Render("! " + probeWords); h.Agent.Probe && ansi.StringWidth(prefix+words+right)+3 <= t.width {
		t.row(lipgloss.NewStyle(), prefix, words, right)
	} else {
		t.put(prefix, words)
		if h.Agent.Probe {
			t.styled(t.warn, t.warn.Render("!")+" ", probeWords)
		}
	}
	if f.ready || f.stale != "" || f.call == watching {
		return
	}
	t.blank()
	if len(h.Drift.Replace)+len(h.Drift.Steps) > 0 {
		t.put(t.strong.Render("Now")+"       ",
			t.keyName(keyAgain)+" shows what would repair it, and asks before anything is changed")
	} else if f.failure != nil {
		t.advice(t.strong.Render("Now")+"       ", f.failure.Next)
	}
}

func showWatching(f *facts, t *text) {
	if f.call == watching {
		t.put(t.spin(f.beats)+" ", "watching live; last change "+ago(f.now.Sub(f.observed)))
	}
}

// showProblems writes what is wrong, and what to do about it: first what may be the cause of the rest. The advice
// is there once, and access that a repair of the rest brings back needs none.
func showProblems(f *facts, t *text, h *provision.Health) {
	findings := h.Wrong()
	if items := len(findings) - wrongAccess(h); items > 0 && len(h.Drift.Steps) > 0 {
		for i := range findings[items:] {
			findings[items+i].Next = ""
		}
	}
	for _, item := range h.Items {
		if item.Outcome == provision.Warning {
			findings = append(findings, item.Finding)
		}
	}
	if len(findings) > 0 {
		t.blank()
	}
	said := ""
	if f.failure != nil && f.call != watching && len(h.Drift.Replace)+len(h.Drift.Steps) == 0 {
		said = f.failure.Next
	}
	const rest = 7 // what stands below
	for i, finding := range findings {
		if strings.Contains(said, finding.Next) {
			finding.Next = ""
		}
		said += "\n" + finding.Next
		tried := newText(t.theme, t.width, t.height)
		tried.showProblem(finding)
		if more := len(findings) - i; t.fold > 1 && i > 0 && len(tried.lines)+min(more-1, 1)+rest > t.room() {
			t.put(t.mark(finding.Outcome)+" ", fmt.Sprintf("%d more (%s shows them)", more, t.keyName(keyEnter)))
			break
		}
		t.showProblem(finding)
	}
}

// wrongAccess counts the attempts to connect that did not end as they should.
func wrongAccess(h *provision.Health) (n int) {
	for _, line := range h.Access {
		if line.Outcome == provision.Failed || line.Outcome == provision.Unknown {
			n++
		}
	}
	return n
}

// showProblem writes what was expected and found, and the advice. A warning takes less room.
func (t *text) showProblem(problem provision.Finding) {
	prefix := t.mark(problem.Outcome) + " "
	both := problem.Want + "  found " + problem.Found
	const labels = 13
	switch {
	case problem.Outcome == provision.Warning:
		t.put(prefix, problem.Title+": "+problem.Found+when(problem.Want != "", " (expected "+problem.Want+")"))
	case problem.Want != "" && !strings.Contains(both, "\n") && ansi.StringWidth(both)+labels <= t.width:
		t.styled(t.strong, prefix, problem.Title)
		t.lines = append(t.lines, "    "+t.dim.Render("expected")+" "+t.clean(problem.Want)+"  "+
			t.dim.Render("found")+" "+t.clean(problem.Found))
	default:
		t.styled(t.strong, prefix, problem.Title)
		t.labelled(4, "expected", problem.Want)
		t.labelled(4, "found   ", problem.Found)
	}
	if problem.Next != "" {
		t.advice("    "+t.dim.Render("fix     ")+" ", problem.Next)
	}
}
