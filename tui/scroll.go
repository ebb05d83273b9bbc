package tui

// scroll moves the page in front.
func (m *model) scroll(a action) {
	l := m.layout()
	if log, is := m.over.(logPage); is {
		m.over = log.scrolled(&m.facts, newText(m.look, l.text), l.body, a)
		return
	}
	t := m.paint(l)
	last := max(0, len(t.lines)-l.body)
	offset := m.top(t, l)
	switch a {
	case up:
		offset--
	case down:
		offset++
	case pageUp:
		offset -= max(1, l.body-1)
	case pageDown:
		offset += max(1, l.body-1)
	case top:
		offset = 0
	case bottom:
		offset = last
	}
	m.offset, m.held = max(0, min(offset, last)), true
}

// top is the line at the top: where somebody scrolled to, or such that the focus is seen.
func (m *model) top(t *text, l layout) int {
	last := max(0, len(t.lines)-l.body)
	if m.held || t.focus < 0 {
		return min(m.offset, last)
	}
	// What comes next is worth two lines.
	return max(0, min(t.focus+3-l.body, last))
}
