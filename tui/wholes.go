package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// plans are the calls that find out what another one would do.
var plans = map[call]call{restoring: planningRestore, removing: planningRemoval}

// ask asks for the consent to what is done about a VM as a whole, and has it found out what that would be.
func (m *model) ask(about call) tea.Cmd {
	m.facts.notice = notice{}
	m.cover(namePage{about: about, input: newInput("")})
	return lookAhead(m.worker, m.ctx, about, Request{Choices: m.facts.choices})
}

// foreseen takes what would be done, unless nobody asks any more. What is refused needs no name.
func (m *model) foreseen(msg foreseenMsg) {
	page, is := m.over.(namePage)
	if !is || page.about != msg.about || page.plan != nil {
		return
	}
	if msg.err != nil {
		m.cover(nil)
		m.facts.notice = notice{provision.Failed, note(msg.err.What, msg.err.Why, msg.err.Next)}
		return
	}
	page.plan = &msg.plan
	m.over = page
}

// askAgain asks for the consent to what would be done now.
func (m *model) askAgain(about call, plan provision.Plan) {
	m.show(failurePage{})
	m.cover(namePage{about: about, plan: &plan, input: newInput("")})
}
