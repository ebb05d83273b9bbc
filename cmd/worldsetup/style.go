package main

import (
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// The tones in which lines are drawn, where there is colour: in the terminal's own colours, which fit its background.
// Words carry all of the meaning.
var (
	plainTone  = lipgloss.NewStyle()
	goodTone   = plainTone.Foreground(lipgloss.Green)
	warnTone   = plainTone.Foreground(lipgloss.Yellow)
	badTone    = plainTone.Foreground(lipgloss.Red)
	dimTone    = plainTone.Faint(true) // readable on every background; the palette's grey is invisible on some
	strongTone = plainTone.Bold(true)
	typeTone   = plainTone.Foreground(lipgloss.Cyan) // of what a person types
)

// tones are the tones of outcomes.
var tones = map[provision.Outcome]lipgloss.Style{
	provision.OK: goodTone, provision.Info: plainTone, provision.Warning: warnTone, provision.Failed: badTone,
	provision.Skipped: dimTone, provision.Omitted: dimTone, provision.Unknown: warnTone,
}

// mark returns the mark of an outcome, or its word.
func (l *lines) mark(outcome provision.Outcome) string {
	if l.words {
		return string(outcome) + ":"
	}
	return l.paint(tones[outcome], plaintext.Glyph(outcome, l.utf8))
}

// paint makes text harmless and draws it in a tone.
func (l *lines) paint(tone lipgloss.Style, text string) string {
	text = l.clean(text)
	if !l.color || text == "" {
		return text
	}
	return tone.Render(text)
}

// dots joins the parts that are not empty.
func (l *lines) dots(parts ...string) string {
	dot := " - "
	if l.utf8 {
		dot = " · "
	}
	var full []string
	for _, part := range parts {
		if part != "" {
			full = append(full, part)
		}
	}
	return strings.Join(full, dot)
}

// drawn writes a line of parts that paint or mark returned, or that are known to be harmless.
func (l *lines) drawn(parts ...string) {
	line := strings.Join(parts, "")
	l.flow(line, line[:len(line)-len(strings.TrimLeft(line, " "))]+"    ")
}

// typed writes what a person may type: on a terminal, each command on a line of its own, which nothing breaks.
func (l *lines) typed(indent, text string) {
	if l.width > 0 {
		l.advise(indent, indent, text)
		return
	}
	for line := range strings.Lines(text) {
		l.write(indent + l.paint(typeTone, strings.TrimRight(line, "\r\n")))
	}
}

// more writes lines of detail.
func (l *lines) more(indent, text string) {
	for line := range strings.Lines(text) {
		l.flow(indent+l.paint(dimTone, strings.TrimRight(line, "\r\n")), indent)
	}
}

// advise writes an advice as put does, and on a terminal its commands on lines of their own. A hint stays in one line.
func (l *lines) advise(first, rest, text string) {
	hint := strings.Contains(text, "`") && !strings.Contains(text, "\n") && ansi.StringWidth(first+text) <= l.width
	if l.width == 0 || hint {
		l.put(first, rest, text)
		return
	}
	for _, part := range plaintext.Advice(text) {
		if part.Command != "" {
			l.write(first + l.paint(typeTone, part.Command))
		} else {
			l.put(first, rest, part.Words)
		}
		first = rest
	}
}

// colors reports whether a stream gets colours: what --color asks for, else a terminal that has them.
func (s streams) colors(stream any, choice string) bool {
	switch choice {
	case "always":
		return true
	case "never":
		return false
	}
	name := s.Getenv("TERM")
	return isTerminal(stream) && s.Getenv("NO_COLOR") == "" && s.Getenv("ACCESSIBLE") == "" &&
		name != "" && name != "dumb"
}
