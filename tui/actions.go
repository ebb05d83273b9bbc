package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// start calls the engine and shows page.
func (m *model) start(what call, page page) tea.Cmd {
	f := &m.facts
	if what != watching { // watching continues from the last report
		f.progress, f.lastLine, f.health, f.failure, f.ready, f.removed = provision.Progress{},
			"", nil, nil, false, false
	}
	f.stale = ""
	f.call, f.stopping, f.began = what, false, m.options.Now()
	switch what {
	case running:
		f.agreed = f.plan
	case restoring, removing:
		f.agreed = f.typedFor
	default:
		f.agreed = provision.Plan{}
	}
	if len(f.agreed.Steps) > 0 { // until the engine says the same
		f.progress.Add(provision.Event{Type: provision.EventPlan, Plan: &f.agreed})
	}
	f.now = f.began
	m.show(page)
	var ctx context.Context
	ctx, m.endCall = context.WithCancelCause(m.ctx)
	next := callEngine(ctx, m.worker, what, m.request(what))
	return tea.Batch(next, m.beat())
}

// beat begins a new series of ticks; those of the old one end it.
func (m *model) beat() tea.Cmd {
	m.ticks++
	return tick(m.ticks, beat, m.options.Now)
}

// request returns the request to the engine. It holds the VM's name, which is the consent, for the plan of a
// replacement, which changes nothing, and for a call that changes something after the user typed the name.
func (m *model) request(what call) Request {
	f := &m.facts
	request := Request{Choices: f.choices}
	if f.replacing && (what == planning || what == running) {
		request.Replace = f.options.VM
	}
	if f.adopting && (what == planning || what == running) {
		request.Adopt = f.options.VM
	}
	switch what {
	case running:
		request.Approve, request.Allow = f.plan.Approve, f.deeper
		if f.deeper != "" {
			request.Approve = f.plan.ApproveUpTo
		}
	case restoring:
		request.Restore, request.Approve = f.options.VM, f.typedFor.Approve
	case removing:
		request.Remove, request.Approve = f.options.VM, f.typedFor.Approve
	}
	return request
}

// apply applies the plan that is shown.
func (m *model) apply() tea.Cmd { return m.start(running, progressPage{}) }

// replan checks and plans again.
func (m *model) replan() tea.Cmd { return m.plan(false, nil) }

// toggleFolds shows all of a page, or what fits.
func (m *model) toggleFolds() tea.Cmd {
	m.facts.unfolded = !m.facts.unfolded
	m.offset, m.scrolled = 0, false
	return nil
}

// planReplacement plans to replace the VM, without consent to that.
func (m *model) planReplacement() tea.Cmd { return m.plan(true, nil) }

// planAdoption plans to adopt a foreign VM, without consent to that.
func (m *model) planAdoption(refusal *provision.Error) tea.Cmd {
	m.facts.adopting, m.facts.refusal, m.facts.deeper = true, refusal, ""
	return m.start(planning, prerequisitesPage{})
}

func (m *model) plan(replacing bool, refusal *provision.Error) tea.Cmd {
	f := &m.facts
	f.replacing, f.refusal, f.adopting, f.deeper = replacing, refusal, false, ""
	return m.start(planning, prerequisitesPage{})
}

// askConsent asks for the consent to restore or remove, and makes the plan of that.
func askConsent(what call) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		m.facts.alert = alert{}
		m.cover(newConsentPage(what, nil))
		return callEngine(m.ctx, m.worker, previews[what], Request{Choices: m.facts.choices})
	}
}

// toggleWatching starts or ends watching.
func (m *model) toggleWatching() tea.Cmd {
	if m.facts.call == watching {
		return m.stop()
	}
	return m.start(watching, healthPage{})
}

// askToStop asks before it stops a call that changes something, and stops others at once.
func (m *model) askToStop() tea.Cmd {
	f := &m.facts
	switch {
	case f.call == idle:
		return m.leave()
	case f.stopping && (m.leaving || f.call.changes()): // the user insists
		f.failure = provision.StoppedError("the wizard was left while its work was still running", errStopped)
		m.outcome = &Outcome{Err: f.failure, Abandoned: true}
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
	m.outcome = &outcome
	return tea.Quit
}
