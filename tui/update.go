package tui

import (
	"context"
	"errors"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/provision"
)

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		if m.deaf == 0 {
			return m, m.edit(msg)
		}
	case listenMsg:
		m.deaf--
	case tea.BackgroundColorMsg:
		m.theme = m.theme.on(msg.IsDark())
	case tea.FocusMsg:
		m.blurred = false
	case tea.BlurMsg:
		m.blurred = true
	case tea.MouseWheelMsg:
		return m, m.wheel(msg)
	case tea.MouseClickMsg:
		return m, m.click(msg)
	case tickMsg:
		return m, m.tick(msg)
	case endedMsg:
		return m, m.turned(msg)
	case validatedMsg:
		return m, m.validated(msg)
	case writtenMsg:
		m.facts.alert, m.offset, m.scrolled = msg.alert, 0, false
	case fixedMsg:
		return m, m.fixed(msg)
	case cancelledMsg:
		return m, m.cancelled(msg)
	}
	return m, nil
}

// turned is the end of a call, after which another page may be in front: what is typed at that moment was meant for the
// one before. A person who looks elsewhere is called.
func (m *model) turned(msg endedMsg) tea.Cmd {
	before := m.turns
	next := m.ended(msg)
	if m.outcome != nil || m.turns == before {
		return next
	}
	if m.options.Settle >= 0 {
		m.deaf++
		next = tea.Batch(next, listen(m.options.Settle))
	}
	if m.blurred && msg.call.changes() {
		words := "worldsetup: the world is ready"
		if m.facts.failure != nil {
			words = "worldsetup: waiting for you"
		}
		next = tea.Batch(next, callPerson(words))
	}
	return next
}

// press runs the action that a key is offered for; other keys do nothing.
func (m *model) press(msg tea.KeyPressMsg) tea.Cmd {
	if (tooSmall(m.width, m.height) || m.deaf > 0) && !key.Matches(msg, keyStop, keySuspend) {
		return nil // the page is not visible, or was not a moment ago, so its keys do nothing
	}
	if form, ok := m.front().(form); ok && form.typing() && edits(msg) {
		return m.edit(msg)
	}
	for _, offer := range append(m.offers(), scrolling()...) {
		if key.Matches(msg, offer.key) {
			return offer.do(m)
		}
	}
	return nil
}

// edit passes typed or pasted text to the page in front, if that takes text.
func (m *model) edit(msg tea.Msg) tea.Cmd {
	form, ok := m.front().(form)
	if !ok || !form.typing() || tooSmall(m.width, m.height) {
		return nil
	}
	m.over, m.scrolled = form.edited(msg), false
	return m.validate()
}

// wheel scrolls by three lines.
func (m *model) wheel(msg tea.MouseWheelMsg) tea.Cmd {
	lines := map[tea.MouseButton]int{tea.MouseWheelUp: -3, tea.MouseWheelDown: 3}[msg.Button]
	if lines == 0 || tooSmall(m.width, m.height) {
		return nil
	}
	return m.scroll(func(s scroller) int { return s.YOffset() + lines })
}

// click runs the action of the offer that was clicked.
func (m *model) click(msg tea.MouseClickMsg) tea.Cmd {
	if tooSmall(m.width, m.height) || m.deaf > 0 || msg.Button != tea.MouseLeft {
		return nil
	}
	footer := m.height - len(m.footer())
	for _, place := range m.places() {
		if msg.Y == footer+place.line && msg.X >= place.x && msg.X < place.x+ansi.StringWidth(place.item) {
			return place.do(m)
		}
	}
	return nil
}

// scroll moves the page in front.
func (m *model) scroll(to func(scroller) int) tea.Cmd {
	l := m.layout()
	if page, ok := m.over.(logPage); ok {
		w := page.window(&m.facts.log, l)
		w.SetYOffset(to(w))
		m.over = page.at(w)
		return nil
	}
	v := m.viewport(l)
	v.SetYOffset(to(&v))
	m.offset, m.scrolled = v.YOffset(), true
	return nil
}

// tick empties the mailbox and schedules the next beat, as long as a call is running; while a report grows old, a slow
// one.
func (m *model) tick(msg tickMsg) tea.Cmd {
	if msg.series != m.ticks {
		return nil
	}
	f := &m.facts
	f.now = msg.now
	f.beats++
	m.collect()
	switch {
	case f.call != idle:
		return tick(m.ticks, beat, m.options.Now)
	case f.health != nil:
		return tick(m.ticks, time.Second, m.options.Now)
	}
	return nil
}

// collect empties the mailbox.
func (m *model) collect() {
	f, mail := &m.facts, m.worker.mailbox.take()
	for _, event := range mail.events {
		f.progress.Add(event)
	}
	for n := mail.log.lost; n < mail.log.end(); n++ {
		f.log.add(m.theme.clean(mail.log.line(n)))
	}
	if mail.newLast {
		f.lastLine, f.lastAt = mail.last, f.now
	}
	if mail.health != nil {
		f.take(mail.health)
	}
}

// ended shows the page that the end of a call leads to.
func (m *model) ended(msg endedMsg) tea.Cmd {
	if msg.call.previews() {
		m.previewed(msg)
		return nil
	}
	f := &m.facts
	f.now = msg.now
	m.collect()
	m.endCall(nil)
	stopped := f.stopping
	f.changed = f.changed || f.progress.Begun()
	f.call, f.stopping = idle, false
	if msg.call != watching { // the last report of watching stays
		f.health, f.failure, f.observed = msg.health, msg.err, msg.now
		f.removed = msg.call == removing && msg.err == nil
		f.ready = msg.call != planning && msg.err == nil && !f.removed
	}
	if cause := context.Cause(m.ctx); cause != nil && msg.call == watching { // a signal ended it, and no key
		m.endedBy(cause)
	}
	if m.leaving {
		return m.leave()
	}
	if msg.err != nil {
		if changed, ok := errors.AsType[provision.ChangedError](msg.err); ok {
			return m.planChanged(msg.call, changed.Plan)
		}
		if deeper, ok := errors.AsType[provision.DeeperError](msg.err); ok {
			return m.planDeeper(deeper.Plan, msg.err)
		}
	}
	switch {
	case msg.call == watching:
		if msg.err != nil && !stopped {
			f.alert = alert{provision.Failed, "Watching ended: " + msg.err.Error()}
		}
	case msg.call == planning:
		return m.planned(msg.plan)
	case f.removed:
		m.show(removedPage{})
	case f.health != nil && (f.ready || msg.err != nil && msg.err.Kind == provision.KindUnhealthy):
		m.show(healthPage{})
	default:
		m.show(failurePage{})
	}
	return nil
}

// planChanged asks again, for the consent to the plan as it is now.
func (m *model) planChanged(what call, plan provision.Plan) (next tea.Cmd) {
	if what != running {
		m.show(failurePage{})
		m.cover(newConsentPage(what, &plan))
	} else {
		m.facts.failure = nil
		next = m.planned(plan)
	}
	m.facts.alert = alert{
		provision.Warning, "The plan has changed since you agreed to it, so nothing was done. This is the new plan.",
	}
	return next
}

// planDeeper asks again, since what is left to do interrupts more than was agreed to.
func (m *model) planDeeper(plan provision.Plan, failure *provision.Error) (next tea.Cmd) {
	m.facts.failure = nil
	next = m.planned(plan)
	m.facts.deeper = plan.Disruption()
	m.facts.alert = alert{provision.Warning, "This interrupts more than you agreed to: " + failure.Why}
	return next
}

// planned shows the plan, or continues when nothing needs approval.
func (m *model) planned(plan provision.Plan) tea.Cmd {
	f := &m.facts
	f.plan = plan
	switch {
	case f.failure != nil && f.failure.Kind == provision.KindPrerequisite && len(f.progress.Problems()) > 0:
		m.show(prerequisitesPage{})
	case f.failure != nil:
		m.show(failurePage{})
	case plan.Empty():
		return m.start(verifying, progressPage{})
	case plan.Foreign() && !f.adopting:
		return m.planAdoption(plan.Blocked)
	case plan.OnlyReplacement() && !f.replacing:
		// What a replacement would do is worth seeing before the consent to it: the plan is made with it.
		return m.plan(true, provision.AsError(plan.Err()))
	default:
		f.failure = provision.AsError(plan.Err())
		if f.failure == nil && (f.replacing || f.adopting) {
			f.failure = f.refusal
		}
		m.show(planPage{})
	}
	return nil
}

// previewed receives the plan that the page in front waits for. If the call is refused, the page doesn't ask for a
// name.
func (m *model) previewed(msg endedMsg) {
	page, ok := m.over.(consentPage)
	if !ok || previews[page.call] != msg.call || page.plan != nil {
		return
	}
	if msg.err != nil {
		m.uncover()
		m.facts.alert = alert{provision.Failed, join(msg.err.What, msg.err.Why, msg.err.Next)}
		return
	}
	page.plan = &msg.plan
	m.over = page
}

// fixed checks everything again.
func (m *model) fixed(msg fixedMsg) tea.Cmd {
	if m.leaving {
		return m.leave()
	}
	next := m.replan()
	if msg.err != nil {
		m.facts.alert = alert{provision.Failed, "The fix did not help: " + msg.err.Error()}
	}
	return next
}

// cancelled leaves as soon as the engine has ended: it has the same context.
func (m *model) cancelled(msg cancelledMsg) tea.Cmd {
	m.leaving = true
	if m.facts.call != idle {
		m.facts.stopping = true
		return nil
	}
	m.endedBy(msg.cause)
	return m.leave()
}

// endedBy is the end of the wizard while no run was under way: it is no success, however the world was.
func (m *model) endedBy(cause error) {
	m.facts.failure, m.facts.ready = provision.StoppedError("the wizard was ended", cause), false
}
