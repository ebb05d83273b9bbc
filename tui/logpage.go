package tui

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
)

// logPage scrolls through the log and searches it.
type logPage struct {
	first    int  // the line at the top, counted from the beginning of the run
	scrolled bool // a person scrolled: stay there, and don't follow the end

	search    textinput.Model // what is searched for, upper and lower case alike
	searching bool            // it is being typed
	found     int             // the line found last, counted from the beginning of the run
	missed    bool            // there was no other
}

func (logPage) title() string { return "Log" }

func (p logPage) offers(*facts) []offer {
	startSearch := offer{keySearch, "search", onLog(func(p *logPage, _ *logWindow) {
		p.search, p.searching, p.missed = newInput(""), true, false
	})}
	switch {
	case p.searching:
		return []offer{
			{keyEnter, "find", onLog(func(p *logPage, w *logWindow) {
				p.searching, p.found = false, w.log.end() // the last problem is searched for most
				p.find(w, -1)
			})},
			{keyEsc, "cancel",
				onLog(func(p *logPage, _ *logWindow) { p.search, p.searching = textinput.Model{}, false })},
		}
	case p.search.Value() != "":
		older := onLog(func(p *logPage, w *logWindow) { p.find(w, -1) })
		newer := onLog(func(p *logPage, w *logWindow) { p.find(w, +1) })
		return []offer{offerBack, {keyNext, "next older", older}, {keyPrevious, "next newer", newer}, startSearch}
	}
	return []offer{offerBack, startSearch}
}

// onLog makes an offer of what changes the log's page.
func onLog(change func(*logPage, *logWindow)) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		if page, ok := m.over.(logPage); ok {
			change(&page, page.window(&m.facts.log, m.layout()))
			m.over = page
		}
		return nil
	}
}

func (logPage) body(*facts, *text) {} // visible writes what fits
func (p logPage) typing() bool     { return p.searching }

func (p logPage) edited(msg tea.Msg) page {
	p.search, _ = p.search.Update(msg)
	return p
}

// logWindow is the part of the log that is visible. It wraps only those lines: there may be 5,000.
type logWindow struct {
	log           *ring
	width, height int
	first, last   int // the line at the top, and the one that is when the end is visible
}

func (p logPage) window(log *ring, l layout) *logWindow {
	w := &logWindow{log: log, width: l.text, height: l.body}
	if p.search.Value() != "" {
		w.width -= 2 // for the mark of what was found
	}
	n := log.len()
	for rows := 0; n > 0; n-- {
		if rows += len(wrap(log.line(log.lost+n-1), w.width)); rows > w.height {
			break
		}
	}
	w.last = log.lost + min(n, max(0, log.len()-1))
	if w.first = w.last; p.scrolled {
		w.first = max(p.first, log.lost)
	}
	return w
}

// at is the page with the window.
func (p logPage) at(w *logWindow) logPage {
	p.first, p.scrolled = w.first, w.first < w.last
	return p
}

func (w *logWindow) Height() int          { return w.height }
func (w *logWindow) YOffset() int         { return w.first }
func (w *logWindow) SetYOffset(first int) { w.first = max(w.log.lost, min(first, w.last)) }

// visible are the lines that fit, and which they are.
func (p logPage) visible(log *ring, theme theme, l layout) (rows []string, position string) {
	w := p.window(log, l)
	n := w.first
	for ; n < log.end() && len(rows) < l.body; n++ {
		style, gutter := lipgloss.NewStyle(), ""
		if p.matches(log.line(n)) {
			style = theme.match
			if n == p.found {
				style, gutter = theme.banner, theme.accent.Render(theme.at)
			}
		}
		for _, row := range wrap(log.line(n), w.width) {
			if p.search.Value() != "" {
				row = pad(gutter, 2) + style.Render(row)
				gutter = ""
			}
			rows = append(rows, row)
		}
	}
	if log.len() == 0 {
		rows = []string{"The log is empty."}
	} else {
		position = fmt.Sprintf("%d-%d of %d", w.first+1, n, log.end()) + p.status(theme)
	}
	return append(rows, make([]string, l.body)...)[:l.body], position
}

func (p logPage) matches(line string) bool {
	words := p.search.Value()
	return words != "" && strings.Contains(strings.ToLower(line), strings.ToLower(words))
}

// status shows what is searched for.
func (p logPage) status(theme theme) string {
	letters, at := []rune(p.search.Value()), p.search.Position()
	switch {
	case p.searching:
		return ", search: " + theme.clean(string(letters[:at])) + "_" + theme.clean(string(letters[at:]))
	case p.missed:
		return ", no other: " + theme.clean(string(letters))
	case len(letters) > 0:
		return ", found: " + theme.clean(string(letters))
	}
	return ""
}

// find goes to the next line that matches, by steps of -1 or +1.
func (p *logPage) find(w *logWindow, step int) {
	for n := p.found + step; n >= w.log.lost && n < w.log.end(); n += step {
		if p.matches(w.log.line(n)) {
			p.found, p.missed = n, false
			w.SetYOffset(n - w.height/3)
			p.first, p.scrolled = w.first, true
			return
		}
	}
	p.missed = p.search.Value() != ""
}
