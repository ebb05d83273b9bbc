package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"
)

// begin has the engine do something while page is shown.
func (m *model) begin(what call, page page) tea.Cmd {
	f := &m.facts
	if what != watching { // which goes on from the last report
		f.story, f.health, f.failure, f.ready, f.removed = story{}, nil, nil, false, false
	}
	f.unsure = ""
	f.doing, f.stopping, f.began = what, false, m.options.Now()
	f.now = f.began
	m.show(page)
	var ctx context.Context
	ctx, m.endCall = context.WithCancelCause(m.ctx)
	next := work(m.worker, ctx, what, m.request(what))
	if m.ticking {
		return next
	}
	m.ticking = true
	return tea.Batch(next, tick(m.options.Now))
}

// request is what the engine is asked for. The name of the VM, which stands for consent, goes along with a plan of a
// replacement, which changes nothing, and with what changes after somebody typed it.
func (m *model) request(what call) Request {
	f := &m.facts
	request := Request{Choices: f.choices}
	if f.replacing && (what == planning || what == running) || what == restoring || what == removing {
		request.Replace = f.vm
	}
	switch what {
	case running:
		request.Approve = f.plan.Approve
	case restoring, removing:
		request.Approve = f.agreed.Approve
	}
	return request
}

// tick takes what has come and asks for the next beat, as long as there is something to wait for.
func (m *model) tick(msg tickMsg) tea.Cmd {
	m.facts.now = msg.now
	m.facts.beats++
	m.collect()
	if m.ticking = m.facts.doing != idle; m.ticking {
		return tick(m.options.Now)
	}
	return nil
}

// collect empties the mailbox.
func (m *model) collect() {
	came := m.worker.mailbox.take()
	for _, event := range came.events {
		m.facts.story.fold(event)
	}
	for i := range came.log.len() {
		m.facts.log.add(m.look.clean(came.log.at(i)))
	}
	if came.moved {
		m.facts.story.last, m.facts.story.lastAt = came.last, m.facts.now
	}
	if came.health != nil {
		m.facts.seen(came.health)
	}
}
