package tui

import (
	"errors"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// ended goes where the end of a call leads.
func (m *model) ended(msg endedMsg) tea.Cmd {
	m.facts.now = msg.now
	m.collect()
	m.endCall(nil)
	f := &m.facts
	stopped := f.stopping
	f.changed = f.changed || len(f.story.steps) > 0
	f.doing, f.stopping = idle, false
	if msg.call == watching {
		return m.watched(stopped, msg.err)
	}
	f.health, f.failure, f.looked = msg.health, msg.err, msg.now
	f.removed = msg.call == removing && msg.err == nil
	f.ready = msg.call != planning && msg.err == nil && !f.removed
	if m.leaving {
		return m.leave()
	}
	if msg.call == planning {
		return m.planned(msg.plan)
	}
	if changed, ok := errors.AsType[provision.ChangedError](asError(msg.err)); ok {
		if plans[msg.call] != idle {
			m.askAgain(msg.call, changed.Plan)
		} else {
			m.planned(changed.Plan)
		}
		f.notice = notice{provision.Warning, "What would be done has changed since you agreed to it, so nothing was. This is the plan now."}
		return nil
	}
	if f.removed {
		m.show(gonePage{})
		return nil
	}
	unhealthy := msg.err != nil && msg.err.Kind == provision.KindUnhealthy
	if f.health != nil && (f.ready || unhealthy) {
		m.show(healthPage{})
	} else {
		m.show(failurePage{})
	}
	return nil
}

// watched leaves the last report where it is.
func (m *model) watched(stopped bool, err *provision.Error) tea.Cmd {
	if m.leaving {
		return m.leave()
	}
	if err != nil && !stopped {
		m.facts.notice = notice{provision.Failed, "Watching ended: " + err.Error()}
	}
	return nil
}

// planned shows the plan, or goes on when there is nothing to consent to.
func (m *model) planned(plan provision.Plan) tea.Cmd {
	f := &m.facts
	f.plan = plan
	_, changed := errors.AsType[provision.ChangedError](asError(f.failure))
	switch {
	case f.failure != nil && f.failure.Kind == provision.KindPrerequisite && len(f.story.troubles()) > 0:
		m.show(prerequisitesPage{})
	case f.failure != nil && !changed:
		m.show(failurePage{})
	case plan.Empty():
		return m.begin(proving, progressPage{})
	case plan.OnlyReplacement() && !f.replacing:
		// What a replacement would do is worth seeing before anybody consents to it: the plan is made with it.
		f.replacing, f.refusal = true, provision.AsError(plan.Err())
		return m.begin(planning, prerequisitesPage{})
	default:
		f.failure = provision.AsError(plan.Err())
		if f.failure == nil && f.replacing {
			f.failure = f.refusal
		}
		m.show(planPage{})
	}
	return nil
}

// cancelled leaves as soon as the engine has ended: it has the same context.
func (m *model) cancelled(msg cancelledMsg) tea.Cmd {
	m.leaving = true
	if m.facts.doing != idle {
		m.facts.stopping = true
		return nil
	}
	m.facts.failure, m.facts.ready = interruption("the wizard was ended", msg.cause), false
	return m.leave()
}

// asError is a failure as an error: a nil *Error is no nil error.
func asError(failure *provision.Error) error {
	if failure == nil {
		return nil
	}
	return failure
}
