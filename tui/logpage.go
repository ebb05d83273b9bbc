package tui

import "fmt"

// logPage scrolls through what was said. It wraps only the lines that are seen: there may be 5,000.
type logPage struct {
	first   int  // the line at the top, counted from the beginning of the run
	holding bool // somebody scrolled: stay there, and don't follow the end
	search  search
}

func (logPage) title() string { return "Log" }

func (p logPage) offers(*facts) []offer {
	switch {
	case p.search.typing:
		return []offer{{find, "find"}, {giveUp, "give up"}}
	case p.search.words != "":
		return []offer{{back, "back"}, {next, "next older"}, {previous, "next newer"}, {startSearch, "search"}}
	}
	return []offer{{back, "back"}, {startSearch, "search"}}
}

func (logPage) body(*facts, *text) {}

// scrolled is the page after a scrolling action.
func (p logPage) scrolled(f *facts, t *text, height int, a action) logPage {
	last := p.lastTop(f, t, height)
	if !p.holding {
		p.first = last
	}
	switch a {
	case up:
		p.first--
	case down:
		p.first++
	case pageUp:
		p.first -= max(1, height-1)
	case pageDown:
		p.first += max(1, height-1)
	case top:
		p.first = f.log.lost
	case bottom:
		p.first = last
	}
	p.first = max(f.log.lost, min(p.first, last))
	p.holding = p.first < last
	return p
}

// lastTop is the line at the top when the end is seen.
func (p logPage) lastTop(f *facts, t *text, height int) int {
	n := f.log.len()
	for rows := 0; n > 0; n-- {
		if rows += len(wrap(f.log.at(n-1), t.width)); rows > height {
			break
		}
	}
	return f.log.lost + min(n, max(0, f.log.len()-1))
}

// window writes the lines that are seen, and says which they are.
func (p logPage) window(f *facts, t *text, height int) (position string) {
	if f.log.len() == 0 {
		t.put("", "Nothing was said so far.")
		return ""
	}
	first := p.lastTop(f, t, height)
	if p.holding {
		first = max(p.first, f.log.lost)
	}
	n := first
	for ; n < f.log.lost+f.log.len() && len(t.lines) < height; n++ {
		for _, row := range wrap(f.log.at(n-f.log.lost), t.width) {
			t.lines = append(t.lines, p.search.style(t, f.log.at(n-f.log.lost)).Render(row))
		}
	}
	t.lines = t.lines[:min(len(t.lines), height)]
	return fmt.Sprintf("%d-%d of %d", first+1, n, f.log.lost+f.log.len()) + p.search.note(t)
}
