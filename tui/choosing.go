package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

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
	if page.settled() {
		switch page.then {
		case take:
			return m.take()
		case keep:
			return m.keep()
		}
	}
	return m.check()
}

// take makes the choices the ones that count and plans anew, as soon as they are known to be fine.
func (m *model) take() tea.Cmd {
	page, fine := m.whenFine(take)
	if !fine {
		return nil
	}
	m.facts.choices = page.choices()
	return m.again()
}

// keep has the choices kept, as soon as they are known to be fine. They are not taken by that.
func (m *model) keep() tea.Cmd {
	page, fine := m.whenFine(keep)
	if !fine {
		return nil
	}
	return retain(m.ctx, m.options, page.choices())
}

// kept says where they are.
func (m *model) kept(msg keptMsg) {
	page, is := m.over.(choicesPage)
	if !is {
		return
	}
	page.said = notice{provision.OK, "They are kept in " + msg.path}
	if msg.err != nil {
		page.said = notice{provision.Failed, "They were not kept: " + msg.err.Error()}
	}
	m.over = page
}

// whenFine is the page, and whether its choices are fine. While that is not known, what is wanted of them waits for it.
func (m *model) whenFine(wanted action) (page choicesPage, fine bool) {
	page, is := m.over.(choicesPage)
	if !is {
		return page, false
	}
	page.then, page.said = nothing, notice{}
	if !page.settled() {
		page.then = wanted
	}
	m.over = page
	return page, page.then == nothing && page.verdict.OK()
}

// move goes to another field, or picks another option.
func (m *model) move(a action) tea.Cmd {
	if page, is := m.over.(choicesPage); is {
		m.over, m.held = page.moved(a), false
	}
	return m.check()
}
