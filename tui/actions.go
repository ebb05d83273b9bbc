package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// do carries out an action that was offered.
func (m *model) do(a action) tea.Cmd {
	switch a {
	case goOn:
		return m.begin(running, progressPage{})
	case again:
		return m.again()
	case stop:
		return m.wantStop()
	case leave:
		return m.wantLeave()
	case suspend:
		return tea.Suspend
	case watch:
		return m.watch()
	case export:
		return write(m.ctx, m.options, *m.facts.health)
	case yes:
		return m.agree()
	case confirm:
		return m.confirm()
	case take:
		return m.take()
	case keep:
		return m.keep()
	case nextField, previousField, nextOption, previousOption:
		return m.move(a)
	case instead:
		return m.instead()
	case bringBack:
		return m.ask(restoring)
	case remove:
		return m.ask(removing)
	case choose:
		m.cover(newChoicesPage(m.facts.choices))
		return m.check()
	}
	m.open(a)
	return nil
}

// open turns to what is in front, or away from it.
func (m *model) open(a action) {
	switch a {
	case openLog:
		m.cover(logPage{})
	case help:
		m.cover(helpPage{below: m.front(), keys: m.keys})
	case replace:
		plan := m.facts.plan
		m.cover(namePage{about: running, plan: &plan, input: newInput("")})
	case fix:
		m.cover(fixPage{m.facts.story.fixable()[0]})
	case back, no, drop:
		m.cover(nil)
	case startSearch, find, giveUp, next, previous:
		if log, is := m.over.(logPage); is {
			l := m.layout()
			m.cover(log.searched(&m.facts, newText(m.look, l.text), l.body, a))
		}
	}
}

// agree is a yes to the question in front.
func (m *model) agree() tea.Cmd {
	asked := m.over
	m.cover(nil)
	if fix, is := asked.(fixPage); is {
		return mend(m.ctx, m.options, fix.check.id)
	}
	return m.stop()
}

// confirm begins what destroys, if the name that was typed is the VM's.
func (m *model) confirm() tea.Cmd {
	name, is := m.over.(namePage)
	switch {
	case !is || name.plan == nil || name.typed() == "":
		return nil
	case name.typed() != m.facts.plan.VM:
		name.wrong, name.input = name.typed(), newInput("")
		m.over = name
		return nil
	}
	m.facts.agreed = *name.plan
	return m.begin(name.about, progressPage{})
}

// again looks again; or, when a proof has shown what would help, goes to the consent for that.
func (m *model) again() tea.Cmd {
	m.facts.replacing, m.facts.refusal = false, nil
	return m.begin(planning, prerequisitesPage{})
}

// instead plans another VM in the place of this one. Nothing is agreed to by that.
func (m *model) instead() tea.Cmd {
	m.facts.replacing, m.facts.refusal = true, nil
	return m.begin(planning, prerequisitesPage{})
}

// watch begins to watch, or ends it.
func (m *model) watch() tea.Cmd {
	if m.facts.doing == watching {
		return m.stop()
	}
	return m.begin(watching, healthPage{})
}

// exported says where the report is.
func (m *model) exported(msg exportedMsg) {
	m.facts.notice = notice{provision.OK, "The report was written to " + msg.path}
	if msg.err != nil {
		m.facts.notice = notice{provision.Failed, "The report was not written: " + msg.err.Error()}
	}
	m.offset, m.held = 0, false
}

// fixed checks everything again.
func (m *model) fixed(msg fixedMsg) tea.Cmd {
	if m.leaving {
		return m.leave()
	}
	next := m.again()
	if msg.err != nil {
		m.facts.notice = notice{provision.Failed, "The fix did not help: " + msg.err.Error()}
	}
	return next
}

// wantLeave leaves, after what only looks has ended.
func (m *model) wantLeave() tea.Cmd {
	if m.facts.doing == idle {
		return m.leave()
	}
	return m.wantStop()
}

// wantStop asks before it stops what changes something, and needs no question otherwise.
func (m *model) wantStop() tea.Cmd {
	f := &m.facts
	switch {
	case f.doing == idle:
		return m.leave()
	case f.stopping: // somebody insists
		f.failure = interruption("it was left while something was still under way", errStopped)
		m.outcome = &Outcome{Err: f.failure, Cancelled: true, Abandoned: true}
		return tea.Quit
	case f.doing.changes():
		m.over = stopPage{}
		return nil
	}
	m.leaving = true
	return m.stop()
}

// stop cancels the call; its end comes as a message.
func (m *model) stop() tea.Cmd {
	if m.facts.doing == idle {
		return nil
	}
	m.facts.stopping = true
	return cancel(m.endCall, errStopped)
}

// leave ends the wizard.
func (m *model) leave() tea.Cmd {
	f := &m.facts
	outcome := Outcome{Health: f.health, Err: f.failure, Removed: f.removed}
	if !f.ready && !f.removed && f.failure == nil {
		outcome.Err = &provision.Error{
			Kind: provision.KindInterrupted, What: "it was left before anything was changed",
			Next: "run worldsetup again; `worldsetup plan` prints what it would do",
		}
		if f.changed {
			outcome.Err.What = "it was left before the world was ready"
		}
	}
	outcome.Cancelled = outcome.Err != nil && outcome.Err.Kind == provision.KindInterrupted
	m.outcome = &outcome
	return tea.Quit
}

func interruption(what string, cause error) *provision.Error {
	failure := &provision.Error{Kind: provision.KindInterrupted, What: what, Next: "run worldsetup again: it carries on from there", Err: cause}
	if cause != nil {
		failure.Why = cause.Error()
	}
	return failure
}
