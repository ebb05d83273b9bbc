package tui

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// showSocket writes the socket as ls would show it, each part marked.
func showSocket(f *facts, t *text, s provision.Socket) {
	if s.Type == "" {
		t.put(t.mark(provision.Failed)+" "+t.strong.Render("Socket")+"  ", "not found; expected at "+s.Path)
		return
	}
	mark := func(right bool) string {
		if right {
			return t.mark(provision.OK)
		}
		return t.mark(provision.Failed)
	}
	mode := plaintext.Mode(s.Type, s.Mode)
	marks := mark(mode == "srw-rw----") + " " + mark(s.Owner == "root") + " " + mark(s.Group == provision.SocketGroup)
	t.row(lipgloss.NewStyle(), t.strong.Render("Socket")+"    ", mode+"  "+s.Owner+"  "+s.Group+"  "+s.Path, marks)
	if s.Host != "" {
		t.put("          "+t.dim.Render("forwarded to")+" ", f.tilde(s.Host))
	}
}

// showAccess writes who was let in, as a table, and who can reach the socket.
func showAccess(t *text, h *provision.Health) {
	if len(h.Access) == 0 {
		t.put(t.strong.Render("Access")+"    ", "not verified")
		return
	}
	const columns = 33 // of what was expected and found, and the time
	if t.fold > 0 {    // what is wrong with it stands above
		fine, outcome := len(h.Access)-wrongAccess(h), provision.OK
		if fine < len(h.Access) {
			outcome = provision.Warning
		}
		t.put(t.strong.Render("Access")+"    "+t.mark(outcome)+" ", fmt.Sprintf("%d of %d as expected", fine, len(h.Access)))
		showReach(t, h)
		return
	}
	table := t.width >= mediumText-6
	name := 0
	for _, line := range h.Access {
		name = max(name, ansi.StringWidth(line.Title))
	}
	name = min(name, t.width-columns-2)
	head := "  " + pad("Access", name)
	if table {
		t.lines = append(t.lines, t.strong.Render(head[2:])+t.dim.Render("    expected  result           time"))
	} else {
		t.styled(t.strong, "", "Access")
	}
	for _, line := range h.Access {
		took := when(line.Elapsed > 0, plaintext.Duration(line.Elapsed))
		if !table || ansi.StringWidth(t.clean(line.Found)) > 12 {
			words := line.Title + ": " + line.Found + when(line.Outcome != provision.OK, ", expected: "+line.Want)
			t.row(lipgloss.NewStyle(), "  "+t.mark(line.Outcome)+" ", words, t.dim.Render(took))
			continue
		}
		t.lines = append(t.lines, "  "+pad(t.cut(t.clean(line.Title), name), name)+"  "+
			t.dim.Render(pad(t.clean(line.Want), 8))+"  "+t.mark(line.Outcome)+" "+pad(t.clean(line.Found), 11)+
			fmt.Sprintf("%8s", took))
	}
	showReach(t, h)
}

// showReach writes who can reach the socket.
func showReach(t *text, h *provision.Health) {
	var members []string
	for _, one := range h.Socket.Reach {
		words := one.Who + " (" + one.How + ")"
		if !one.Expected {
			words = t.glyph(provision.Failed) + " " + words + ", who should not"
		}
		members = append(members, words)
	}
	if h.Socket.Type != "" {
		t.styled(t.dim, "  ", "reach it: root"+when(len(members) > 0, ", ")+strings.Join(members, ", "))
	}
}

// pad fills a cell of a table.
func pad(cell string, width int) string {
	return cell + strings.Repeat(" ", max(0, width-ansi.StringWidth(cell)))
}

// showChecks counts what is fine, and lists it where there is room or a person wants to see it.
func showChecks(f *facts, t *text, h *provision.Health, folded bool) {
	const few = 5
	var fine []provision.Item
	for _, item := range h.Items {
		if !item.Outcome.IsProblem() {
			fine = append(fine, item)
		}
	}
	outcome := provision.OK
	if len(fine) < len(h.Items) {
		outcome = provision.Warning
	}
	shown := len(fine)
	switch room := t.room() - 2; {
	case f.unfolded:
	case folded || room < few:
		shown = 0
	case shown > room:
		shown = room
	}
	hint := t.dim.Render(when(shown < len(fine), "("+t.keyName(keyEnter)+" shows them)"))
	t.row(lipgloss.NewStyle(), t.strong.Render("Checks")+"    "+t.mark(outcome)+" ",
		fmt.Sprintf("%d of %d", len(fine), len(h.Items)), hint)
	for _, item := range fine[:shown] {
		line := item.Title + ": " + item.Found
		if f.unfolded {
			t.put("  "+t.mark(item.Outcome)+" ", line)
			continue
		}
		line = t.clean(strings.ReplaceAll(line, "\n", " "))
		t.lines = append(t.lines, t.cut("  "+t.mark(item.Outcome)+" "+line, t.width))
	}
	if left := len(fine) - shown; shown > 0 && left > 0 {
		t.styled(t.dim, "  "+t.mark(provision.OK)+" ", fmt.Sprintf("%d more are fine", left))
	}
	if f.unfolded && h.Agent.SHA256 != "" {
		t.fields("agent", h.Agent.Backend+" on "+h.Agent.Platform, "features", strings.Join(h.Agent.Features, ", "),
			"sha256", h.Agent.SHA256)
	}
}
