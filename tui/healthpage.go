package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// healthPage shows the report: what was observed and verified.
type healthPage struct{}

func (healthPage) title() string { return "Health" }

func (healthPage) offers(f *facts) (offers []offer) {
	if f.call == watching {
		offers = []offer{{keyWatch, "stop watching", (*model).toggleWatching}}
	} else {
		words := "verify again"
		switch drift := f.health.Drift; {
		case f.ready:
		case len(drift.Replace) > 0:
			words = "see the replacement"
		case len(drift.Steps) > 0:
			words = "repair"
		}
		offers = []offer{{keyAgain, words, (*model).replan}, {keyWatch, "watch live", (*model).toggleWatching}}
	}
	if f.options.Export != nil {
		offers = append(offers, offer{keyExport, "export", func(m *model) tea.Cmd {
			return export(m.ctx, m.options, *m.facts.health)
		}})
	}
	if f.call == idle && f.health.Exists() {
		offers = append(offers, f.lifecycle("replace")...)
	}
	return append(offers, offerLog, offer{keyLeave, "leave", (*model).leave})
}

func (healthPage) body(f *facts, t *text) {
	f.showAlert(t)
	h := f.health
	switch {
	case f.stale != "":
		t.put(t.mark(provision.Unknown)+" ", f.stale)
	case f.ready:
		words := "the world in the VM " + h.VM + when(f.call != watching, " was verified just now")
		t.put(t.mark(provision.OK)+" "+t.good.Render("ready")+": ", words)
	default:
		t.put(t.mark(provision.Failed)+" "+t.bad.Render("not ready")+": ", "the VM "+h.VM+" is "+h.Instance)
		switch {
		case f.call == watching:
		case len(h.Drift.Replace)+len(h.Drift.Steps) > 0:
			t.labelled(2, "next:", "r shows what would repair it, and asks before anything is changed")
		case f.failure != nil:
			t.labelled(2, "next:", f.failure.Next)
		}
	}
	if f.call == watching {
		t.put(t.spin(f.beats)+" ", "watching live; last change "+clock(f.now.Sub(f.observed))+" ago")
	}
	showProblems(t, h)
	showSocket(t, h.Socket)
	showAccess(t, h.Access)
	showAgent(t, h.Agent)
	t.heading("Everything else")
	for _, item := range h.Items {
		if !item.Outcome.IsProblem() {
			t.put(t.mark(item.Outcome)+" ", item.Title+": "+item.Found)
		}
	}
}

// showProblems writes what is wrong, and what to do about it.
func showProblems(t *text, h *provision.Health) {
	var findings []provision.Finding
	for _, access := range h.Access {
		access.Title = "access as " + access.Title
		findings = append(findings, access)
	}
	for _, item := range h.Items {
		findings = append(findings, item.Finding)
	}
	heading := "Problems"
	if h.Ready {
		heading = "Worth knowing"
	}
	for _, finding := range findings {
		if !finding.Outcome.IsProblem() {
			continue
		}
		if heading != "" {
			t.heading(heading)
			heading = ""
		}
		t.put(t.mark(finding.Outcome)+" "+t.word(finding.Outcome)+": ", finding.Title)
		t.labelled(4, "expected:", finding.Want)
		t.labelled(4, "found:", finding.Found)
		t.labelled(4, "next:", finding.Next)
	}
}

func showSocket(t *text, s provision.Socket) {
	t.heading("Socket")
	if s.Type == "" {
		t.put("  ", "not found; expected at "+s.Path)
		return
	}
	t.fields("path", s.Path, "type", s.Type, "owner", s.Owner, "mode", s.Mode, "group", s.Group,
		"on the host", s.Host)
	t.heading("Who can reach it")
	for _, one := range s.Reach {
		outcome := provision.OK
		if !one.Expected {
			outcome = provision.Failed
		}
		t.put(t.mark(outcome)+" ", join(one.Who+": "+one.How, when(!one.Expected, "should not")))
	}
	if len(s.Reach) == 0 {
		t.put("  ", "only root")
	}
}

func showAccess(t *text, access []provision.Finding) {
	t.heading("Access, by connecting")
	if len(access) == 0 {
		t.put("  ", "not tested")
	}
	for _, line := range access {
		found := line.Found
		if line.Elapsed > 0 {
			found += ", " + plaintext.Duration(line.Elapsed)
		}
		if line.Outcome != provision.OK {
			found += ", expected: " + line.Want
		}
		t.put(t.mark(line.Outcome)+" ", line.Title+": "+found)
	}
}

func showAgent(t *text, a provision.AgentInfo) {
	t.heading("Agent")
	if a.SHA256 == "" && a.Version == "" {
		t.put("  ", "none found")
		return
	}
	kind := "a real one"
	if a.Probe {
		kind = "the built-in probe"
		t.put(t.warn.Render("! PROBE")+": ", "the built-in agent, which answers questions and runs no commands; "+
			"install a real one with --agent FILE")
	}
	t.fields("kind", kind, "interface", a.Version, "backend", a.Backend, "platform", a.Platform,
		"features", strings.Join(a.Features, ", "), "sha256", a.SHA256)
}
