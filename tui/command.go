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
		var line string
		line, command = breakCommand(command, t.width)
		t.lines = append(t.lines, t.accent.Render(line))
	}
	line := prefix + t.accent.Render(command)
	if hint := "(" + t.keyName(keyCopy) + " copies)"; whole == t.clean(t.copies) {
		if gap := t.width - ansi.StringWidth(line+hint); gap >= 2 {
			line += strings.Repeat(" ", gap) + t.dim.Render(hint)
		}
	}
	t.lines = append(t.lines, line)
}

// breakCommand takes a line of at most width cells off a command, after a space if there is one. A shell that reads the
// line goes on with the rest: quotes, in which a backslash may be one, are closed before it, and opened again.
func breakCommand(command string, width int) (line, rest string) {
	end := len(ansi.Truncate(command, max(width, 8)-len(`'\`), ""))
	if space := strings.LastIndexByte(command[:end], ' '); space > 0 && strings.TrimSpace(command[:space]) != "" {
		end = space + 1
	}
	quote, escaped := quoting(command[:end])
	if escaped {
		end--
	}
	line, rest = command[:end], command[end:]
	if quote != 0 {
		line, rest = line+string(quote), string(quote)+rest
	}
	return line + `\`, rest
}

// quoting returns the quote that a shell is within after it has read text, 0 for none, and whether the next character
// is escaped.
func quoting(text string) (quote rune, escaped bool) {
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		}
	}
	return quote, escaped
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
