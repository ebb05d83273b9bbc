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
	case openLog:
		m.over = logPage{}
	case help:
		m.over = helpPage{below: m.front(), keys: m.keys}
	case back, no:
		m.over = nil
	case yes:
		m.over = nil
		return m.stop()
	case stop:
		return m.wantStop()
	case leave:
		return m.leave()
	case suspend:
		return tea.Suspend
	case startSearch, find, giveUp, next, previous:
		if log, is := m.over.(logPage); is {
			l := m.layout()
			m.over = log.searched(&m.facts, newText(m.look, l.text), l.body, a)
		}
	}
	m.offset, m.held = 0, false
	return nil
}

// again looks again; or, when a proof has shown what would help, goes to the consent for that.
func (m *model) again() tea.Cmd {
	f := &m.facts
	if _, healthy := m.page.(healthPage); healthy && f.curable() {
		f.plan, f.failure = f.health.Drift, nil
		m.show(planPage{})
		return nil
	}
	return m.begin(planning, prerequisitesPage{})
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
	case f.doing == running:
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
	outcome := Outcome{Health: f.health, Err: f.failure}
	if !f.ready && f.failure == nil {
		outcome.Err = &provision.Error{
			Kind: provision.KindInterrupted, What: "it was left before anything was changed",
			Next: "run worldsetup again; `worldsetup plan` prints what it would do",
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
