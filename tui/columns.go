package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/provision"
)

// beside writes two parts side by side where there is room for both, and else one below the other. The cursor stands in
// neither. first is how wide the left one has to be.
func (t *text) beside(first int, left, right func(*text)) {
	if t.wide() {
		t.columns(max(first, t.width*first/(wideText+8)), left, right)
		return
	}
	left(t)
	t.gap()
	right(t)
}

// columns writes two parts side by side.
func (t *text) columns(first int, left, right func(*text)) {
	const gap = 3
	a := newText(t.theme, first, t.room())
	b := newText(t.theme, t.width-gap-a.width, t.room())
	a.copies, b.copies = t.copies, t.copies
	a.fold, b.fold = t.fold, t.fold
	left(a)
	right(b)
	t.commands = slices.Concat(t.commands, a.commands, b.commands)
	for i := range max(len(a.lines), len(b.lines)) {
		line := ""
		if i < len(a.lines) {
			line = a.lines[i]
		}
		if i < len(b.lines) && b.lines[i] != "" {
			line += strings.Repeat(" ", a.width+gap-ansi.StringWidth(line)) + b.lines[i]
		}
		if a.focus == i {
			t.focus = len(t.lines)
		}
		t.lines = append(t.lines, line)
	}
}

// box writes a part in a frame.
func (t *text) box(style lipgloss.Style, title string, body func(*text)) {
	inner := newText(t.theme, t.width-4, t.height-2)
	inner.fold = t.fold
	body(inner)
	f := t.frame
	side := style.Render(f[5])
	title = " " + t.cut(t.clean(title), t.width-6) + " "
	above := style.Render(f[0]+f[4]) + style.Bold(true).Render(title) +
		style.Render(strings.Repeat(f[4], max(0, t.width-3-ansi.StringWidth(title)))+f[1])
	top := len(t.lines) + 1
	t.lines = append(t.lines, above)
	for _, line := range inner.lines {
		t.lines = append(t.lines, side+" "+line+strings.Repeat(" ", max(0, inner.width-ansi.StringWidth(line)))+" "+side)
	}
	t.lines = append(t.lines, style.Render(f[2]+strings.Repeat(f[4], t.width-2)+f[3]))
	if inner.focus >= 0 {
		t.focus = top + inner.focus
	}
	if inner.cursor != nil {
		t.cursor = tea.NewCursor(inner.cursor.X+2, top+inner.cursor.Y)
	}
}

// lists writes two lists side by side, each under a heading, with a mark before each entry.
func (t *text) lists(bad, good string, lost, kept []string) {
	write := func(heading, mark string, entries []string) func(*text) {
		return func(t *text) {
			if len(entries) > 0 {
				t.styled(t.strong, "", heading)
			}
			for _, one := range entries {
				t.put(mark+" ", one)
			}
		}
	}
	left, right := write(bad, t.mark(provision.Failed), lost), write(good, t.mark(provision.OK), kept)
	if t.width < mediumText {
		left(t)
		right(t)
		return
	}
	t.columns((t.width-3)/2, left, right)
}
