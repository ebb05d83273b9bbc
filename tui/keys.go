package tui

import "charm.land/bubbles/v2/key"

// action is something that a person can have done.
type action int

const (
	nothing action = iota
	goOn
	again
	openLog
	leave
	stop
	yes
	no
	help
	back
	suspend
	startSearch
	find
	giveUp
	next
	previous
	up
	down
	pageUp
	pageDown
	top
	bottom
	choose
	take
	drop
	nextField
	previousField
	nextOption
	previousOption
	replace
	instead
	bringBack
	remove
	confirm
	fix
	watch
	export
	keep
)

// keyMap says which keys bring an action about. It is the only place that names keys.
type keyMap map[action]key.Binding

func newKeyMap(utf8 bool) keyMap {
	arrow := func(glyph, word string) string {
		if utf8 {
			return glyph
		}
		return word
	}
	bind := func(shown string, keys ...string) key.Binding {
		return key.NewBinding(key.WithKeys(keys...), key.WithHelp(shown, ""))
	}
	return keyMap{
		goOn:        bind("enter", "enter"),
		again:       bind("r", "r"),
		openLog:     bind("l", "l"),
		leave:       bind("q", "q"),
		stop:        bind("ctrl+c", "ctrl+c"),
		yes:         bind("y", "y", "ctrl+c"),
		no:          bind("enter/n", "n", "enter", "esc"),
		help:        bind("?", "?", "f1"),
		back:        bind("esc", "esc", "q", "l", "?"),
		startSearch: bind("/", "/"),
		find:        bind("enter", "enter"),
		giveUp:      bind("esc", "esc"),
		next:        bind("n", "n"),
		previous:    bind("N", "N"),
		suspend:     bind("ctrl+z", "ctrl+z"),
		up:          bind(arrow("↑", "up"), "up", "k"),
		down:        bind(arrow("↓", "down"), "down", "j"),
		pageUp:      bind("pgup", "pgup", "b"),
		pageDown:    bind("pgdn", "pgdown", "space"),
		top:         bind("home", "home", "g"),
		bottom:      bind("end", "end", "G"),

		choose:         bind("c", "c"),
		take:           bind("enter", "enter"),
		drop:           bind("esc", "esc"),
		nextField:      bind(arrow("↓", "down"), "down", "tab"),
		previousField:  bind(arrow("↑", "up"), "up", "shift+tab"),
		nextOption:     bind(arrow("→", "right"), "right", "space"),
		previousOption: bind(arrow("←", "left"), "left"),
		replace:        bind("x", "x"),
		instead:        bind("x", "x"),
		bringBack:      bind("B", "B"),
		remove:         bind("D", "D"),
		confirm:        bind("enter", "enter"),
		fix:            bind("f", "f"),
		watch:          bind("w", "w"),
		export:         bind("e", "e"),
		keep:           bind("ctrl+s", "ctrl+s"),
	}
}

// offer is an action that can be done now, in words that fit the place.
type offer struct {
	action action
	words  string
}

// scrolling is offered wherever there is more than fits.
func scrolling() []offer {
	return []offer{{up, "line up"}, {down, "line down"}, {pageUp, "page up"}, {pageDown, "page down"}, {top, "to the top"}, {bottom, "to the end"}}
}
