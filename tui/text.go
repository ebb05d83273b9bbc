package tui

import (
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// text is a page being written: lines that are at most width cells wide.
type text struct {
	theme
	width  int
	lines  []string
	focus  int         // the line that should be visible; -1 when any will do
	cursor *tea.Cursor // where a person types; nil when there is no field
}

func newText(theme theme, width int) *text { return &text{theme: theme, width: width, focus: -1} }

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
	const narrow, enough = 60, 4
	indent := ansi.StringWidth(prefix)
	if t.width < narrow { // a long prefix must not take the little space
		indent = min(indent, enough)
	}
	for paragraph := range strings.Lines(strings.TrimRight(words, "\n")) {
		rest := t.clean(strings.TrimRight(paragraph, "\r\n"))
		for first := true; first || rest != ""; first = false {
			var line string
			line, rest = split(rest, t.width-ansi.StringWidth(prefix))
			t.lines = append(t.lines, strings.TrimRight(prefix+style.Render(line), " "))
			prefix = strings.Repeat(" ", indent)
		}
	}
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
	if value != "" {
		t.put("  "+t.dim.Render(label)+strings.Repeat(" ", max(1, column-ansi.StringWidth(label))), value)
	}
}

// fields writes labels and their values in turn.
func (t *text) fields(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		t.field(pairs[i], pairs[i+1])
	}
}

// failure writes an error in its three parts.
func (t *text) failure(failure *provision.Error) {
	t.put(t.mark(provision.Failed)+" "+t.bad.Render("error")+": ", failure.What)
	t.blank()
	t.labelled(2, "why:", failure.Why)
	t.blank()
	t.labelled(2, "next:", failure.Next)
}

// losses writes what will be deleted, and what is kept.
func (t *text) losses(deleted, kept string) {
	t.blank()
	t.put(t.warn.Render("! will be deleted:")+" ", deleted)
	t.put(t.mark(provision.OK)+" kept: ", kept)
}

// adoption writes what an adoption changes, and what it keeps.
func (t *text) adoption(changed, kept string) {
	t.blank()
	t.put(t.warn.Render("! will be changed:")+" ", changed)
	t.put(t.mark(provision.OK)+" kept: ", kept)
}

// input writes a line of text that is being typed, and remembers where the cursor stands.
func (t *text) input(prefix string, input textinput.Model) {
	letters := []rune(plaintext.Mask(input.Value())) // clean would change its length
	before, after := t.clean(string(letters[:input.Position()])), t.clean(string(letters[input.Position():]))
	cells := max(8, t.width-ansi.StringWidth(prefix)-1) // one for the cursor
	if over := ansi.StringWidth(before) - cells; over > 0 {
		before = ansi.TruncateLeft(before, over+1, t.more)
	}
	t.cursor = tea.NewCursor(ansi.StringWidth(prefix+before), len(t.lines))
	t.focus = len(t.lines)
	value := ansi.Truncate(before+after, cells, t.more)
	rest := t.dim.Render(strings.Repeat("_", cells+1-ansi.StringWidth(value)))
	t.lines = append(t.lines, prefix+t.strong.Render(value)+rest)
}

// newInput is a field that takes a line of text. Pages draw it, since what is pasted is foreign text.
func newInput(value string) textinput.Model {
	input, none := textinput.New(), key.NewBinding()
	input.KeyMap.Paste = none // the terminal's own paste needs no access to the clipboard
	input.KeyMap.AcceptSuggestion, input.KeyMap.NextSuggestion, input.KeyMap.PrevSuggestion = none, none, none
	input.SetVirtualCursor(false)
	input.CharLimit = 4096 // the longest path there can be
	input.SetValue(value)
	input.CursorEnd()
	input.Focus()
	return input
}

// edits reports whether a key changes a line of text, or moves in it.
func edits(msg tea.KeyPressMsg) bool {
	if msg.Text != "" {
		return true
	}
	keys := textinput.DefaultKeyMap()
	return key.Matches(msg, keys.CharacterForward, keys.CharacterBackward, keys.WordForward, keys.WordBackward,
		keys.DeleteWordBackward, keys.DeleteWordForward, keys.DeleteAfterCursor, keys.DeleteBeforeCursor,
		keys.DeleteCharacterBackward, keys.DeleteCharacterForward, keys.LineStart, keys.LineEnd)
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
func (t *text) cut(line string, width int) string { return ansi.Truncate(line, max(width, 1), t.more) }

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

// join joins the parts that are not empty.
func join(parts ...string) (joined string) {
	for _, part := range parts {
		if part != "" && joined != "" {
			joined += "; "
		}
		joined += part
	}
	return joined
}

func when(ok bool, words string) string {
	if ok {
		return words
	}
	return ""
}

// clock is a duration while it runs: whole seconds.
func clock(d time.Duration) string { return max(0, d).Truncate(time.Second).String() }

// usually is how long something usually takes; nothing when that is unknown.
func usually(d time.Duration) string { return when(d > 0, "usually "+plaintext.Duration(d)) }
