package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/charmbracelet/x/ansi"
)

// wheel scrolls by three lines.
func (m *model) wheel(msg tea.MouseWheelMsg) tea.Cmd {
	if tooSmall(m.width, m.height) {
		return nil
	}
	by := map[tea.MouseButton]action{tea.MouseWheelUp: up, tea.MouseWheelDown: down}[msg.Button]
	if by == nothing {
		return nil
	}
	for range 3 {
		m.scroll(by)
	}
	return nil
}

// click does what is offered where somebody clicks.
func (m *model) click(msg tea.MouseClickMsg) tea.Cmd {
	if tooSmall(m.width, m.height) || msg.Button != tea.MouseLeft {
		return nil
	}
	footer := m.height - len(m.footer())
	for _, place := range m.places() {
		if msg.Y == footer+place.line && msg.X >= place.x && msg.X < place.x+ansi.StringWidth(place.item) {
			return m.do(place.action)
		}
	}
	return nil
}
