package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// place is where an offer stands in the footer.
type place struct {
	action  action
	item    string
	x, line int
}

// footer are the keys that do something here.
func (m *model) footer() (lines []string) {
	for _, place := range m.places() {
		for len(lines) <= place.line {
			lines = append(lines, "")
		}
		lines[place.line] += strings.Repeat(" ", place.x-ansi.StringWidth(lines[place.line])) + place.item
	}
	return lines
}

// places are the offers of the footer, in at most two lines. Where there is no room for all of them, help stays: it has the
// rest.
func (m *model) places() []place {
	offers := slices.DeleteFunc(slices.Clone(m.offers()), func(o offer) bool {
		return o.action == suspend || o.action == stop && m.facts.doing == idle // everybody knows
	})
	for {
		places := m.arrange(offers)
		if len(places) == 0 || places[len(places)-1].line < 2 {
			return places
		}
		last := len(offers) - 1
		if offers[last].action == help {
			last--
		}
		offers = slices.Delete(offers, last, last+1)
	}
}

// arrange puts offers side by side, two spaces between them, into as many lines as it takes.
func (m *model) arrange(offers []offer) (places []place) {
	x, line := 1, 0
	for _, offer := range offers {
		item := m.look.strong.Render(m.keys[offer.action].Help().Key) + " " + offer.words
		width := ansi.StringWidth(item)
		if x > 1 && x+width > m.width-1 {
			x, line = 1, line+1
		}
		places = append(places, place{offer.action, item, x, line})
		x += width + 2
	}
	return places
}
