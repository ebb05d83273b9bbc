package tui

import tea "charm.land/bubbletea/v2"

// check has the choices checked, unless their verdict is there or on its way: one look at the files at a time.
func (m *model) check() tea.Cmd {
	page, is := m.over.(choicesPage)
	if !is || page.checking || page.settled() {
		return nil
	}
	page.checking = true
	m.over = page
	return judge(m.ctx, m.options, page.choices())
}

// checked takes a verdict. When somebody has typed on meanwhile, it is followed by the next check.
func (m *model) checked(msg checkedMsg) tea.Cmd {
	page, is := m.over.(choicesPage)
	if !is {
		return nil
	}
	page.checking, page.checked, page.verdict = false, &msg.choices, msg.verdict
	m.over = page
	if page.taking && page.settled() {
		return m.take()
	}
	return m.check()
}

// take makes the choices the ones that count and plans anew, as soon as they are known to be fine.
func (m *model) take() tea.Cmd {
	page, is := m.over.(choicesPage)
	if !is {
		return nil
	}
	page.taking = !page.settled()
	m.over = page
	if page.taking || !page.verdict.fine() {
		return nil
	}
	m.facts.choices = page.choices()
	return m.again()
}

// move goes to another field, or picks another option.
func (m *model) move(a action) tea.Cmd {
	if page, is := m.over.(choicesPage); is {
		m.over, m.held = page.moved(a), false
	}
	return m.check()
}
