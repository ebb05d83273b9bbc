package tui

import (
	"charm.land/bubbles/v2/spinner"
	"charm.land/lipgloss/v2"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// theme is how things are drawn: marks of one cell, the terminal's own colours for outcomes, and one colour of ours.
type theme struct {
	utf8, still, coloured bool

	rule, full, empty, dot, more, then, at, due string
	picked, into, down                          string    // the option that is picked, where things go, a download
	frame                                       [6]string // corners from the upper left on, horizontal, vertical
	spinner                                     []string

	good, warn, bad, dim, strong, banner lipgloss.Style
	accent                               lipgloss.Style // what a person acts on: commands, the focus, the present stage
	match                                lipgloss.Style // what a search has found
}

func newTheme(utf8, noColor, still bool) theme {
	t := theme{
		utf8: utf8, still: still, coloured: !noColor,
		rule: "-", full: "#", empty: ".", dot: "-", more: "~", then: ">", at: ">", due: ".",
		picked: "*", into: "->", down: "download ",
		frame:   [6]string{"+", "+", "+", "+", "-", "|"},
		spinner: []string{"|", "/", "=", `\`}, // spinner.Line has -, which marks what was skipped
	}
	if utf8 {
		t.rule, t.full, t.empty, t.dot, t.more, t.then, t.at, t.due = "─", "█", "░", "·", "…", "›", "▸", "·"
		t.picked, t.into, t.down = "•", "→", "↓ "
		t.frame = [6]string{"╭", "╮", "╰", "╯", "─", "│"}
		t.spinner = spinner.MiniDot.Frames
	}
	plain := lipgloss.NewStyle()
	t.good, t.warn, t.bad = plain, plain, plain
	// Faint is readable on every background; the palette's grey is invisible on some.
	t.dim, t.strong, t.banner = plain.Faint(true), plain.Bold(true), plain.Reverse(true).Bold(true)
	t.accent, t.match = plain.Bold(true), plain.Underline(true)
	if t.coloured {
		t.good, t.warn = plain.Foreground(lipgloss.Green), plain.Foreground(lipgloss.Yellow)
		t.bad = plain.Foreground(lipgloss.Red)
		t.accent = plain.Bold(true).Foreground(lipgloss.BrightBlue)
	}
	return t
}

// on fits our own colours to the terminal's background, once it is known.
func (t theme) on(dark bool) theme {
	if t.coloured {
		either := lipgloss.LightDark(dark)
		blue, grey := either(lipgloss.Color("#0A5BC4"), lipgloss.Color("#7CB7FF")),
			either(lipgloss.Color("#666666"), lipgloss.Color("#9A9A9A"))
		t.accent, t.dim = lipgloss.NewStyle().Bold(true).Foreground(blue), lipgloss.NewStyle().Foreground(grey)
	}
	return t
}

// clean makes foreign text fit to be shown.
func (t theme) clean(text string) string { return plaintext.Clean(text, t.utf8) }

func (t theme) glyph(outcome provision.Outcome) string { return plaintext.Glyph(outcome, t.utf8) }

// mark is the glyph in the outcome's style.
func (t theme) mark(outcome provision.Outcome) string {
	return t.style(outcome).Render(t.glyph(outcome))
}

func (t theme) style(outcome provision.Outcome) lipgloss.Style {
	switch outcome {
	case provision.OK:
		return t.good
	case provision.Failed:
		return t.bad
	case provision.Skipped, provision.Omitted:
		return t.dim
	case provision.Info:
		return lipgloss.NewStyle()
	}
	return t.warn
}

// spin is the spinner's frame at a beat.
func (t theme) spin(beats int) string {
	if t.still {
		return t.warn.Render(t.more)
	}
	return t.warn.Render(t.spinner[beats/2%len(t.spinner)])
}
