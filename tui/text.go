package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"charm.land/lipgloss/v2"
)

// text is a page being written: lines that are at most width cells wide.
type text struct {
	look
	width  int
	lines  []string
	focus  int   // the line that should be seen; -1 when any will do
	cursor *cell // where somebody types; nil when nobody does
}

func newText(look look, width int) *text { return &text{look: look, width: width, focus: -1} }

// hanging is how far the lines after the first stand in. Where there is little room, a long prefix must not eat it.
func hanging(prefix, width int) int {
	const narrow, enough = 60, 4
	if width < narrow {
		return min(prefix, enough)
	}
	return prefix
}

// blank leaves a line free, though not at the top and never two.
func (t *text) blank() {
	if n := len(t.lines); n > 0 && t.lines[n-1] != "" {
		t.lines = append(t.lines, "")
	}
}

// put writes foreign or own text after a prefix, wrapped, with the rest below its beginning.
func (t *text) put(prefix, words string) { t.styled(lipgloss.NewStyle(), prefix, words) }

// styled is put with a style for the words.
func (t *text) styled(style lipgloss.Style, prefix, words string) {
	indent := strings.Repeat(" ", hanging(ansi.StringWidth(prefix), t.width))
	for paragraph := range strings.Lines(strings.TrimRight(words, "\n")) {
		rest := t.clean(strings.TrimRight(paragraph, "\r\n"))
		for first := true; first || rest != ""; first = false {
			var line string
			line, rest = split(rest, t.width-ansi.StringWidth(prefix))
			t.lines = append(t.lines, strings.TrimRight(prefix+style.Render(line), " "))
			prefix = indent
		}
	}
}

// split takes the first line of width cells off a text, at a space if there is one: a hyphen at the end of a line would
// make two readings of a command or an address. Words that are too long are cut.
func split(words string, width int) (line, rest string) {
	width = max(width, 8)
	if ansi.StringWidth(words) <= width {
		return words, ""
	}
	end := len(ansi.Truncate(words, width, ""))
	if space := strings.LastIndexByte(words[:end+1], ' '); space > 0 && strings.TrimSpace(words[:space]) != "" {
		end = space
	}
	return strings.TrimRight(words[:end], " "), strings.TrimLeft(words[end:], " ")
}

// heading writes a line that others stand under.
func (t *text) heading(words string) {
	t.blank()
	t.styled(t.strong, "", words)
}

// labelled writes "label: words", or nothing when there are no words.
func (t *text) labelled(indent int, label, words string) {
	if words != "" {
		t.put(strings.Repeat(" ", indent)+t.dim.Render(label)+" ", words)
	}
}

// field writes a label in a column of its own, and its value; nothing when there is none.
func (t *text) field(label, value string) {
	const column = 13
	if value == "" {
		return
	}
	t.put("  "+t.dim.Render(label)+strings.Repeat(" ", max(1, column-ansi.StringWidth(label))), value)
}

// wrap breaks a line into as many as it takes.
func wrap(words string, width int) (lines []string) {
	for first := true; first || words != ""; first = false {
		var line string
		line, words = split(words, width)
		lines = append(lines, line)
	}
	return lines
}

// cut shortens a line to width cells.
func (t *text) cut(line string, width int) string {
	return ansi.Truncate(line, max(width, 1), t.more)
}
