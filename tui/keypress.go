package tui

import (
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// press does what a key is offered for; other keys do nothing.
func (m *model) press(msg tea.KeyPressMsg) tea.Cmd {
	if tooSmall(m.width, m.height) && !key.Matches(msg, m.keys[stop]) && !key.Matches(msg, m.keys[suspend]) {
		return nil // nobody should consent to what cannot be seen
	}
	if form, is := m.front().(form); is && form.writing() && writes(msg) {
		return m.write(form, msg)
	}
	for _, offer := range m.offers() {
		if key.Matches(msg, m.keys[offer.action]) {
			return m.do(offer.action)
		}
	}
	for _, offer := range scrolling() {
		if key.Matches(msg, m.keys[offer.action]) {
			m.scroll(offer.action)
		}
	}
	return nil
}

// paste puts what was pasted where somebody types.
func (m *model) paste(msg tea.PasteMsg) tea.Cmd {
	if form, is := m.front().(form); is && form.writing() && !tooSmall(m.width, m.height) {
		return m.write(form, msg)
	}
	return nil
}

// write gives what was typed or pasted to the page in front.
func (m *model) write(form form, msg tea.Msg) tea.Cmd {
	m.over, m.held = form.write(msg), false
	return m.check()
}

// offers are those of the page in front, and those that hold everywhere.
func (m *model) offers() []offer {
	offers := m.front().offers(&m.facts)
	if _, asks := m.over.(question); asks {
		return offers
	}
	for _, offer := range everywhere(&m.facts) {
		if !has(offers, offer.action) && !(offer.action == help && m.over != nil) {
			offers = append(offers, offer)
		}
	}
	return offers
}

// everywhere is what can be done on every page that asks no question.
func everywhere(f *facts) []offer {
	words := "leave"
	if f.doing != idle {
		words = "stop"
	}
	return []offer{{help, "help"}, {stop, words}, {suspend, "suspend"}}
}

func has(offers []offer, a action) bool {
	return slices.ContainsFunc(offers, func(o offer) bool { return o.action == a })
}
