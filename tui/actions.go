package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// start calls the engine while page is shown.
func (m *model) start(what call, page page) tea.Cmd {
	f := &m.facts
	if what != watching { // which goes on from the last report
		f.progress, f.lastLine, f.health, f.failure, f.ready, f.removed = provision.Progress{},
			"", nil, nil, false, false
	}
	f.stale = ""
	f.call, f.stopping, f.began = what, false, m.options.Now()
	f.now = f.began
	m.show(page)
	var ctx context.Context
	ctx, m.endCall = context.WithCancelCause(m.ctx)
	next := callEngine(ctx, m.worker, what, m.request(what))
	if m.ticking {
		return next
	}
	m.ticking = true
	return tea.Batch(next, tick(m.options.Now))
}

// request is what the engine gets. The name of the VM, which stands for consent, goes along with the plan of a
// replacement, which changes nothing, and with what changes after a person typed it.
func (m *model) request(what call) Request {
	f := &m.facts
	request := Request{Choices: f.choices}
	if f.replacing && (what == planning || what == running) || what == restoring || what == removing {
		request.Replace = f.options.VM
	}
	switch what {
	case running:
		request.Approve = f.plan.Approve
	case restoring, removing:
		request.Approve = f.agreed.Approve
	}
	return request
}

// apply applies the plan that is shown.
func (m *model) apply() tea.Cmd { return m.start(running, progressPage{}) }

// replan checks and plans again.
func (m *model) replan() tea.Cmd { return m.plan(false, nil) }

// planReplacement plans another VM in the place of this one. That is no consent to it.
func (m *model) planReplacement() tea.Cmd { return m.plan(true, nil) }

func (m *model) plan(replacing bool, refusal *provision.Error) tea.Cmd {
	m.facts.replacing, m.facts.refusal = replacing, refusal
	return m.start(planning, prerequisitesPage{})
}

// askConsent asks for the consent to restoring or removing, and plans what that would do.
func askConsent(what call) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		m.facts.alert = alert{}
		m.cover(newConsentPage(what, nil))
		return callEngine(m.ctx, m.worker, previews[what], Request{Choices: m.facts.choices})
	}
}

// toggleWatching begins to watch, or ends it.
func (m *model) toggleWatching() tea.Cmd {
	if m.facts.call == watching {
		return m.stop()
	}
	return m.start(watching, healthPage{})
}

// askToStop asks before it stops what changes something, and needs no question otherwise.
func (m *model) askToStop() tea.Cmd {
	f := &m.facts
	switch {
	case f.call == idle:
		return m.leave()
	case f.stopping: // a person insists
		f.failure = provision.StoppedError("the wizard was left while its work was still running", errStopped)
		m.outcome = &Outcome{Err: f.failure, Cancelled: true, Abandoned: true}
		return tea.Quit
	case f.call.changes():
		return m.cover(stopPage{})
	}
	m.leaving = true
	return m.stop()
}

// stop cancels the call; its end comes as a message.
func (m *model) stop() tea.Cmd {
	if m.facts.call == idle {
		return nil
	}
	m.facts.stopping = true
	return cancel(m.endCall, errStopped)
}

// leave ends the wizard, after the current call.
func (m *model) leave() tea.Cmd {
	f := &m.facts
	if f.call != idle {
		return m.askToStop()
	}
	outcome := Outcome{Health: f.health, Err: f.failure, Removed: f.removed}
	switch {
	case f.ready, f.removed, f.failure != nil:
	case f.changed:
		outcome.Err = provision.StoppedError("stopped before the world was ready", nil)
	default:
		outcome.Err = provision.DeclinedError()
	}
	outcome.Cancelled = outcome.Err != nil && outcome.Err.Kind == provision.KindInterrupted
	m.outcome = &outcome
	return tea.Quit
}
