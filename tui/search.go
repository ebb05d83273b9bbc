package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"charm.land/lipgloss/v2"
)

// search is looking for words in the log, upper and lower case alike.
type search struct {
	typing bool
	words  string
	at     int  // the line found last, counted from the beginning of the run
	missed bool // there was no other
}

func (s search) matches(line string) bool {
	return s.words != "" && strings.Contains(strings.ToLower(line), strings.ToLower(s.words))
}

// style lifts lines that match.
func (s search) style(t *text, line string) lipgloss.Style {
	if s.matches(line) {
		return t.banner
	}
	return lipgloss.NewStyle()
}

// note says what is looked for.
func (s search) note(t *text) string {
	switch {
	case s.typing:
		return ", search: " + t.clean(s.words) + "_"
	case s.missed:
		return ", no other: " + t.clean(s.words)
	case s.words != "":
		return ", found: " + t.clean(s.words)
	}
	return ""
}

// writing says whether letters are text.
func (p logPage) writing() bool { return p.search.typing }

// write is the page after a key in the search field, or after something was pasted there.
func (p logPage) write(msg tea.Msg) page {
	switch msg := msg.(type) {
	case tea.PasteMsg:
		p.search.words += msg.Content
	case tea.KeyPressMsg:
		if letters := []rune(p.search.words); msg.Code == tea.KeyBackspace {
			p.search.words = string(letters[:max(0, len(letters)-1)])
		} else {
			p.search.words += msg.Text
		}
	}
	return p
}

// searched is the page after an action of searching. It begins at the end: what went wrong last is looked for most.
func (p logPage) searched(f *facts, t *text, height int, a action) logPage {
	s := &p.search
	switch a {
	case startSearch:
		*s = search{typing: true}
	case giveUp:
		*s = search{}
	case find:
		s.typing, s.at = false, f.log.lost+f.log.len()
		p.seek(f, t, height, -1)
	case next:
		p.seek(f, t, height, -1)
	case previous:
		p.seek(f, t, height, +1)
	}
	return p
}

// seek goes to the next line that matches.
func (p *logPage) seek(f *facts, t *text, height, step int) {
	for at := p.search.at + step; at >= f.log.lost && at < f.log.lost+f.log.len(); at += step {
		if p.search.matches(f.log.at(at - f.log.lost)) {
			last := p.lastTop(f, t, height)
			p.search.at, p.search.missed = at, false
			p.first = max(f.log.lost, min(at-height/3, last))
			p.holding = true
			return
		}
	}
	p.search.missed = p.search.words != ""
}
