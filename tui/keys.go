package tui

import (
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// The keys: texts name them by keyName only. Some mean several things, since pages offer them at different times.
var (
	keyEnter      = bind("enter", "enter")
	keyEsc        = bind("esc", "esc")
	keyAgain      = bind("r", "r")
	keyLog        = bind("l", "l")
	keyLeave      = bind("q", "q")
	keyStop       = bind("ctrl+c", "ctrl+c")
	keySuspend    = bind("ctrl+z", "ctrl+z")
	keyYes        = bind("y", "y", "ctrl+c")
	keyNo         = bind("enter/n", "n", "enter", "esc")
	keyRun        = bind("y", "y")
	keyRefuse     = bind("enter/n", "n", "enter", "esc", "ctrl+c")
	keyHelp       = bind("?", "?", "f1")
	keyManageBack = bind("esc", "esc", "m", "q")
	keyBack       = bind("esc", "esc", "q", "l", "?")
	keySearch     = bind("/", "/")
	keyNext       = bind("n", "n")
	keyPrevious   = bind("N", "N")

	keyUp       = bind("↑", "up", "k")
	keyDown     = bind("↓", "down", "j")
	keyPageUp   = bind("pgup", "pgup", "b")
	keyPageDown = bind("pgdn", "pgdown", "space")
	keyTop      = bind("home", "home", "g")
	keyBottom   = bind("end", "end", "G")

	keyChoices        = bind("c", "c")
	keyNextField      = bind("↓", "down", "tab")
	keyPreviousField  = bind("↑", "up", "shift+tab")
	keyNextOption     = bind("→", "right", "space")
	keyPreviousOption = bind("←", "left")
	keySave           = bind("ctrl+s", "ctrl+s")

	keyReplace = bind("x", "x")
	keyAdopt   = bind("t", "t")
	keyRestore = bind("B", "B")
	keyRemove  = bind("D", "D")
	keyFix     = bind("f", "f")
	keyWatch   = bind("w", "w")
	keyExport  = bind("e", "e")
	keyManage  = bind("m", "m")
	keyCopy    = bind("y", "y")
	keyMouse   = bind("M", "M")
	keyDetails = bind("d", "d")
)

// bind makes a binding of keys that is shown as name.
func bind(name string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(name, ""))
}

// arrows are the names of keys that ASCII lacks.
var arrows = map[string]string{"↑": "up", "↓": "down", "→": "right", "←": "left"}

// keyName is how a key is shown.
func (t theme) keyName(k key.Binding) string {
	name := k.Help().Key
	if word, ok := arrows[name]; ok && !t.utf8 {
		return word
	}
	return name
}

// offer is something that can be done now: its key, words that fit the place, and what does it.
type offer struct {
	key   key.Binding
	words string
	do    func(*model) tea.Cmd
}

// Offers of several pages.
var (
	offerLog  = offer{keyLog, "log", func(m *model) tea.Cmd { return m.cover(logPage{}) }}
	offerBack = offer{keyBack, "back", (*model).uncover}
)

// offerDetails is the way to what is left out of a page.
func offerDetails(f *facts) offer {
	words := "show all"
	if f.unfolded {
		words = "show less"
	}
	return offer{keyDetails, words, (*model).toggleFolds}
}

// everywhere is what can be done on every page that asks no question.
func everywhere(f *facts) []offer {
	words := "leave"
	if f.call != idle {
		words = "stop"
	}
	offers := []offer{
		{keyHelp, "help", func(m *model) tea.Cmd { return m.cover(helpPage{m.front()}) }},
		{keyStop, words, (*model).askToStop},
		{keySuspend, "suspend", func(*model) tea.Cmd { return tea.Suspend }},
	}
	if f.options.Mouse {
		offers = append(offers, offer{keyMouse, "mouse on or off", func(m *model) tea.Cmd {
			m.mouse = !m.mouse
			return nil
		}})
	}
	return offers
}

// scroller is what scrolls: the viewport of a page, or the window of the log.
type scroller interface {
	Height() int
	YOffset() int
	SetYOffset(int) // keeps it within the text
}

// scrolling is offered wherever there is more than fits.
func scrolling() []offer {
	const end = 1 << 30
	by := func(to func(scroller) int) func(*model) tea.Cmd {
		return func(m *model) tea.Cmd { return m.scroll(to) }
	}
	return []offer{
		{keyUp, "line up", by(func(s scroller) int { return s.YOffset() - 1 })},
		{keyDown, "line down", by(func(s scroller) int { return s.YOffset() + 1 })},
		{keyPageUp, "page up", by(func(s scroller) int { return s.YOffset() - max(1, s.Height()-1) })},
		{keyPageDown, "page down", by(func(s scroller) int { return s.YOffset() + max(1, s.Height()-1) })},
		{keyTop, "to the top", by(func(scroller) int { return 0 })},
		{keyBottom, "to the end", by(func(scroller) int { return end })},
	}
}

// has reports whether a key is among those offered.
func has(offers []offer, k key.Binding) bool {
	return slices.ContainsFunc(offers, func(o offer) bool { return o.is(k) })
}

func (o offer) is(k key.Binding) bool { return o.key.Help().Key == k.Help().Key }
