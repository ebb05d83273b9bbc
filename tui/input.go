package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/charmbracelet/x/ansi"
)

// newInput is a field that takes a line of text. The text is drawn by a page, since what is pasted is foreign text.
func newInput(value string) textinput.Model {
	input := textinput.New()
	input.KeyMap.Paste = key.NewBinding() // the terminal's own paste needs no look at the clipboard
	input.KeyMap.AcceptSuggestion, input.KeyMap.NextSuggestion, input.KeyMap.PrevSuggestion = key.NewBinding(), key.NewBinding(), key.NewBinding()
	input.SetVirtualCursor(false)
	input.CharLimit = 4096 // the longest path there can be
	input.SetValue(value)
	input.CursorEnd()
	input.Focus()
	return input
}

// writes says whether a key changes a line of text, or moves in it.
func writes(msg tea.KeyPressMsg) bool {
	if msg.Text != "" {
		return true
	}
	keys := textinput.DefaultKeyMap()
	return key.Matches(msg, keys.CharacterForward, keys.CharacterBackward, keys.WordForward, keys.WordBackward,
		keys.DeleteWordBackward, keys.DeleteWordForward, keys.DeleteAfterCursor, keys.DeleteBeforeCursor,
		keys.DeleteCharacterBackward, keys.DeleteCharacterForward, keys.LineStart, keys.LineEnd)
}

// typed writes a line of text that is being typed, and remembers where the cursor stands.
func (t *text) typed(prefix string, input textinput.Model) {
	letters := []rune(input.Value())
	before, after := t.clean(string(letters[:input.Position()])), t.clean(string(letters[input.Position():]))
	room := max(8, t.width-ansi.StringWidth(prefix)-1) // a cell for the cursor
	if over := ansi.StringWidth(before) - room; over > 0 {
		before = ansi.TruncateLeft(before, over+1, t.more)
	}
	t.cursor = &cell{x: ansi.StringWidth(prefix + before), line: len(t.lines)}
	t.focus = len(t.lines)
	value := ansi.Truncate(before+after, room, t.more)
	t.lines = append(t.lines, prefix+t.strong.Render(value)+t.dim.Render(strings.Repeat("_", room+1-ansi.StringWidth(value))))
}

// cell is a place in a page.
type cell struct{ x, line int }
