package tui

import (
	"charm.land/lipgloss/v2"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// look is how things are drawn: marks of one cell, and the terminal's own colours, which fit its background.
type look struct {
	utf8, still bool

	rule, bar, rest, dot, more string
	spinner                    []string

	good, warn, bad, dim, strong, banner lipgloss.Style
}

func newLook(utf8, noColor, still bool) look {
	l := look{utf8: utf8, still: still, rule: "-", bar: "#", rest: ".", dot: "-", more: "~", spinner: []string{"|", "/", "=", `\`}}
	if utf8 {
		l.rule, l.bar, l.rest, l.dot, l.more = "─", "█", "░", "·", "…"
		l.spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}
	}
	plain := lipgloss.NewStyle()
	l.good, l.warn, l.bad = plain, plain, plain
	// Faint is readable on every background; the palette's grey is invisible on some.
	l.dim, l.strong, l.banner = plain.Faint(true), plain.Bold(true), plain.Reverse(true).Bold(true)
	if !noColor {
		l.good, l.warn, l.bad = plain.Foreground(lipgloss.Green), plain.Foreground(lipgloss.Yellow), plain.Foreground(lipgloss.Red)
	}
	return l
}

// clean makes foreign text fit to be shown.
func (l look) clean(text string) string { return plaintext.Clean(text, l.utf8) }

// mark is the glyph of an outcome, one cell wide and different for each.
func (l look) mark(outcome provision.Outcome) string {
	marks := map[provision.Outcome][2]string{
		provision.OK: {"+", "✓"}, provision.Info: {"i", "i"}, provision.Warning: {"!", "!"}, provision.Failed: {"x", "✗"},
		provision.Skipped: {"-", "–"}, provision.Omitted: {"-", "–"},
	}
	mark, known := marks[outcome]
	if !known {
		return l.warn.Render("?")
	}
	glyph := mark[0]
	if l.utf8 {
		glyph = mark[1]
	}
	return l.style(outcome).Render(glyph)
}

func (l look) style(outcome provision.Outcome) lipgloss.Style {
	switch outcome {
	case provision.OK:
		return l.good
	case provision.Failed:
		return l.bad
	case provision.Warning, provision.Unknown:
		return l.warn
	case provision.Skipped, provision.Omitted:
		return l.dim
	}
	return lipgloss.NewStyle()
}

// spin is the spinner's picture at a beat.
func (l look) spin(beats int) string {
	if l.still {
		return l.warn.Render(map[bool]string{true: "…", false: "~"}[l.utf8])
	}
	return l.warn.Render(l.spinner[beats/2%len(l.spinner)])
}
