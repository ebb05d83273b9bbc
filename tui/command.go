package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// command writes a command on lines of its own, after a prefix if that leaves room for it. One that is longer than the
// screen is broken as a shell reads it: what is copied can be pasted.
func (t *text) command(prefix, command string) {
	command = t.clean(command)
	whole := command
	t.commands = append(t.commands, whole)
	if ansi.StringWidth(prefix+command) > t.width {
		if label := strings.TrimRight(ansi.Strip(prefix), " "); label != "" {
			t.lines = append(t.lines, prefix)
		}
		prefix = ""
	}
	for ansi.StringWidth(prefix+command) > t.width {
		line, rest := split(command, t.width-2)
		if command[len(line)] == ' ' {
			line += " "
		}
		t.lines = append(t.lines, t.accent.Render(line+`\`))
		command = rest
	}
	line := prefix + t.accent.Render(command)
	if hint := "(" + t.keyName(keyCopy) + " copies)"; whole == t.clean(t.copies) {
		if gap := t.width - ansi.StringWidth(line+hint); gap >= 2 {
			line += strings.Repeat(" ", gap) + t.dim.Render(hint)
		}
	}
	t.lines = append(t.lines, line)
}

// advice writes what to do: words, and commands on lines of their own.
func (t *text) advice(label, advice string) {
	prefix := label
	for _, part := range plaintext.Advice(advice) {
		if part.Command != "" {
			t.command(prefix, part.Command)
		} else {
			t.put(prefix, part.Words)
		}
		prefix = strings.Repeat(" ", ansi.StringWidth(label))
	}
}
