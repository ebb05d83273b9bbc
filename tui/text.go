package tui

import (
	"strings"

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
	height int // of the place for it; what is longer can be scrolled
	lines  []string
	focus  int         // the line that should be visible; -1 when any will do
	cursor *tea.Cursor // where a person types; nil when there is no field
	copies string      // the command that a key copies
	// fold is how much is left out of a page that does not fit: 0 for nothing, 1 for what explains, 2 for all but what a
	// person needs to decide. A key shows the rest.
	fold int

	commands []string // that were written
}

func newText(theme theme, width, height int) *text {
	return &text{theme: theme, width: width, height: height, focus: -1}
}

const (
	wideText   = 110 // from here on, a page has two columns
	mediumText = 60  // below that, there is no room for tables
	proseWidth = 110 // longer lines don't read well
)

// wide reports whether there is room for two columns.
func (t *text) wide() bool { return t.width >= wideText }

// room is how many more lines can be seen.
func (t *text) room() int { return max(0, t.height-len(t.lines)) }

// blank leaves a line free, though not at the top and never two.
func (t *text) blank() {
	if n := len(t.lines); n > 0 && t.lines[n-1] != "" {
		t.lines = append(t.lines, "")
	}
}

// folded tells how to see what is left out.
func (t *text) folded() string { return "(" + t.keyName(keyDetails) + " shows all of it)" }

// gap is blank where there is room for it.
func (t *text) gap() {
	if t.fold < 2 {
		t.blank()
	}
}

// put writes foreign or own text after a prefix, wrapped, with the rest below its beginning.
func (t *text) put(prefix, words string) { t.styled(lipgloss.NewStyle(), prefix, words) }

// styled is put with a style for the words.
func (t *text) styled(style lipgloss.Style, prefix, words string) { t.row(style, prefix, words, "") }

// row is styled with more at the right end of the first line; where there is too little space, that follows the words.
func (t *text) row(style lipgloss.Style, prefix, words, right string) {
	const enough = 4
	indent, end := ansi.StringWidth(prefix), ansi.StringWidth(right)
	if t.width < 50 { // a long prefix must not take the little space
		indent = min(indent, enough)
	}
	width := min(t.width, proseWidth)
	below := t.width < mediumText && end > t.width/3
	if below {
		defer func() { t.lines = append(t.lines, strings.Repeat(" ", indent)+right) }()
	} else if end > 0 {
		width = t.width - end - 2
	}
	for paragraph := range strings.Lines(strings.TrimRight(words, "\n")) {
		rest := t.clean(strings.TrimRight(paragraph, "\r\n"))
		for first := true; first || rest != ""; first = false {
			var line string
			line, rest = split(rest, width-ansi.StringWidth(prefix))
			line = strings.TrimRight(prefix+style.Render(line), " ")
			if right != "" && !below {
				line += strings.Repeat(" ", max(2, t.width-end-ansi.StringWidth(line))) + right
				below = true
			}
			t.lines = append(t.lines, ansi.Truncate(line, t.width, ""))
			prefix = strings.Repeat(" ", indent)
		}
	}
}

// heading writes a line that others stand under.
func (t *text) heading(words string) {
	t.blank()
	t.styled(t.strong, "", words)
}

// section writes the heading of a group that is as wide as the page, with more at its right end.
func (t *text) section(words, right string) {
	t.gap()
	t.row(t.strong, "", words, t.dim.Render(right))
}

// labelled writes "label: words", or nothing when there are no words.
func (t *text) labelled(indent int, label, words string) {
	if words != "" {
		t.put(strings.Repeat(" ", indent)+t.dim.Render(label)+" ", words)
	}
}

// field writes a label in a column of its own, and its value; nothing when there is none.
func (t *text) field(label, value string) { t.fieldAnd(label, value, "") }

// fieldAnd is field with more at the right end.
func (t *text) fieldAnd(label, value, right string) {
	const column = 8
	if value != "" {
		gap := strings.Repeat(" ", max(1, column-ansi.StringWidth(label)))
		t.row(lipgloss.NewStyle(), "  "+t.dim.Render(label)+gap, value, right)
	}
}

// fields writes labels and their values in turn.
func (t *text) fields(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		t.field(pairs[i], pairs[i+1])
	}
}

// failure writes an error in its three parts, with more at the right end of the first line.
func (t *text) failure(failure *provision.Error, right string) {
	mark, style := t.mark(provision.Failed), t.bad
	if failure.Kind == provision.KindInterrupted { // a person wanted it
		mark, style = t.warn.Render(t.dot), t.strong
	}
	t.row(style, mark+" ", sentence(failure.What), right)
	t.blank()
	if failure.Why != "" {
		begin := len(t.lines)
		t.put("  "+t.dim.Render("why")+"   ", failure.Why)
		if end := begin + 5; t.fold > 0 && len(t.lines) > end+1 {
			t.lines = append(t.lines[:end], "        "+t.dim.Render(t.more+" "+t.folded()))
		}
		t.blank()
	}
	t.advice("  "+t.dim.Render("do")+"    ", failure.Next)
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

// sentence begins with a capital letter, unless it begins with a name of something.
func sentence(words string) string {
	first, _, _ := strings.Cut(words, " ")
	if first == "" || strings.ContainsAny(first, "/_-.") || strings.ToLower(first) != first {
		return words
	}
	return strings.ToUpper(words[:1]) + words[1:]
}
