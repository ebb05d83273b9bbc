package tui

import (
	"context"
	"errors"
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// The causes of a call's end.
var (
	errStopped = errors.New("it was stopped from the keyboard")
	errGone    = errors.New("the terminal went away")
)

// model is the root: it routes keys and messages, and knows which page is shown.
type model struct {
	options Options
	look    look
	keys    keyMap
	worker  *worker
	ctx     context.Context // of the caller; it ends with a signal

	width, height int
	page          page
	over          page // shown in front of page; nil for none
	offset        int  // the line of the page at the top
	held          bool // somebody scrolled: the page does not follow its focus

	facts   facts
	endCall context.CancelCauseFunc
	leaving bool // quit when the call has ended
	ticking bool
	outcome *Outcome // set when the wizard was left
}

func newModel(ctx context.Context, options Options) *model {
	return &model{
		options: options, ctx: ctx, keys: newKeyMap(options.UTF8), look: newLook(options.UTF8, options.NoColor, options.Still),
		worker: &worker{engine: options.Engine, mailbox: &mailbox{}, now: options.Now},
		page:   prerequisitesPage{}, facts: facts{
			vm: options.VM, logPath: options.LogPath, choices: options.Choices, replacing: options.Replacing,
			can: abilities{choose: options.Check != nil, fix: options.Fix != nil, export: options.Export != nil},
		},
	}
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd { return tea.Batch(heed(m.ctx), m.begin(planning, prerequisitesPage{})) }

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		return m, m.paste(msg)
	case tea.MouseWheelMsg:
		return m, m.wheel(msg)
	case tea.MouseClickMsg:
		return m, m.click(msg)
	case tickMsg:
		return m, m.tick(msg)
	case endedMsg:
		return m, m.ended(msg)
	case checkedMsg:
		return m, m.checked(msg)
	case exportedMsg:
		m.exported(msg)
	case fixedMsg:
		return m, m.fixed(msg)
	case cancelledMsg:
		return m, m.cancelled(msg)
	}
	return m, nil
}

// show turns to a page, away from whatever was in front of the last one.
func (m *model) show(page page) {
	m.page, m.facts.notice = page, notice{}
	m.cover(nil)
}

// cover puts a page in front of the one that is shown; nil takes it away.
func (m *model) cover(page page) { m.over, m.offset, m.held = page, 0, false }

// front is the page that is seen.
func (m *model) front() page {
	if m.over != nil {
		return m.over
	}
	return m.page
}

// begin has the engine do something while page is shown.
func (m *model) begin(what call, page page) tea.Cmd {
	f := &m.facts
	if what != watching { // which goes on from the last report
		f.story, f.health, f.failure, f.ready = story{}, nil, nil, false
	}
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
// replacement, which changes nothing, and with a run after somebody typed it.
func (m *model) request(what call) Request {
	f := &m.facts
	request := Request{Choices: f.choices}
	if f.replacing {
		request.Replace = f.vm
	}
	if what == running {
		request.Approve = agreed(f.plan)
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

// ended goes where the end of a call leads.
func (m *model) ended(msg endedMsg) tea.Cmd {
	m.facts.now = msg.now
	m.collect()
	m.endCall(nil)
	f := &m.facts
	stopped := f.stopping
	f.doing, f.stopping = idle, false
	if msg.call == watching {
		return m.watched(stopped, msg.err)
	}
	f.health, f.failure, f.looked = msg.health, msg.err, msg.now
	f.ready = msg.call != planning && msg.err == nil
	if m.leaving {
		return m.leave()
	}
	if msg.call == planning {
		return m.planned(msg.plan)
	}
	if changed := (changedPlan{}); f.failure != nil && errors.As(f.failure.Err, &changed) {
		m.planned(changed.plan)
		f.notice = notice{provision.Warning, "What would be done has changed since you agreed to it, so nothing was. This is the plan now."}
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
	switch {
	case f.failure != nil && f.failure.Kind == provision.KindPrerequisite && len(f.story.troubles()) > 0:
		m.show(prerequisitesPage{})
	case f.failure != nil && !errors.As(f.failure.Err, &changedPlan{}):
		m.show(failurePage{})
	case plan.Empty():
		return m.begin(proving, progressPage{})
	case needsConsent(plan) && !f.replacing:
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

// needsConsent says whether only another VM would do, and the plan does not say how.
func needsConsent(plan provision.Plan) bool {
	return len(plan.Replace) > 0 && len(plan.Steps) == 0 && plan.Blocked == nil
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

// press does what a key is offered for; other keys do nothing.
func (m *model) press(msg tea.KeyPressMsg) tea.Cmd {
	if tooSmall(m.width, m.height) && !key.Matches(msg, m.keys[stop]) && !key.Matches(msg, m.keys[suspend]) {
		return nil // nobody should consent to what cannot be seen
	}
	if form, is := m.front().(form); is && form.writing() && writes(msg) {
		return m.write(form, msg)
	}
	for _, offer := range m.offers() {
		if key.Matches(msg, m.keys[offer.action]) {
			return m.do(offer.action)
		}
	}
	for _, offer := range scrolling() {
		if key.Matches(msg, m.keys[offer.action]) {
			m.scroll(offer.action)
		}
	}
	return nil
}

// paste puts what was pasted where somebody types.
func (m *model) paste(msg tea.PasteMsg) tea.Cmd {
	if form, is := m.front().(form); is && form.writing() && !tooSmall(m.width, m.height) {
		return m.write(form, msg)
	}
	return nil
}

// write gives what was typed or pasted to the page in front.
func (m *model) write(form form, msg tea.Msg) tea.Cmd {
	m.over, m.held = form.write(msg), false
	return m.check()
}

// offers are those of the page in front, and those that hold everywhere.
func (m *model) offers() []offer {
	offers := m.front().offers(&m.facts)
	if _, asks := m.over.(question); asks {
		return offers
	}
	for _, offer := range everywhere(&m.facts) {
		if !has(offers, offer.action) && !(offer.action == help && m.over != nil) {
			offers = append(offers, offer)
		}
	}
	return offers
}

// everywhere is what can be done on every page that asks no question.
func everywhere(f *facts) []offer {
	words := "leave"
	if f.doing != idle {
		words = "stop"
	}
	return []offer{{help, "help"}, {stop, words}, {suspend, "suspend"}}
}

func has(offers []offer, a action) bool {
	return slices.ContainsFunc(offers, func(o offer) bool { return o.action == a })
}
