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
		page:   prerequisitesPage{}, facts: facts{vm: options.VM, logPath: options.LogPath},
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
	case tickMsg:
		return m, m.tick(msg)
	case endedMsg:
		return m, m.ended(msg)
	case cancelledMsg:
		return m, m.cancelled(msg)
	}
	return m, nil
}

// show turns to a page, away from whatever was in front of the last one.
func (m *model) show(page page) {
	m.page, m.over, m.offset, m.held = page, nil, 0, false
}

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
	f.story, f.health, f.failure, f.ready = story{}, nil, nil, false
	f.doing, f.stopping, f.began = what, false, m.options.Now()
	f.now = f.began
	m.show(page)
	var ctx context.Context
	ctx, m.endCall = context.WithCancelCause(m.ctx)
	next := work(m.worker, ctx, what)
	if m.ticking {
		return next
	}
	m.ticking = true
	return tea.Batch(next, tick(m.options.Now))
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
		m.facts.story.last = came.last
	}
}

// ended goes where the end of a call leads.
func (m *model) ended(msg endedMsg) tea.Cmd {
	m.collect()
	m.endCall(nil)
	f := &m.facts
	f.doing, f.stopping, f.now = idle, false, msg.now
	f.health, f.failure = msg.health, msg.err
	f.ready = msg.call != planning && msg.err == nil
	if m.leaving {
		return m.leave()
	}
	if msg.call == planning {
		return m.planned(msg.plan)
	}
	unhealthy := msg.err != nil && msg.err.Kind == provision.KindUnhealthy
	if f.health != nil && (f.ready || unhealthy) {
		m.show(healthPage{})
	} else {
		m.show(failurePage{})
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
	case f.failure != nil:
		m.show(failurePage{})
	case plan.Empty():
		return m.begin(proving, progressPage{})
	default:
		f.failure = provision.AsError(plan.Err())
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

// press does what a key is offered for; other keys do nothing.
func (m *model) press(msg tea.KeyPressMsg) tea.Cmd {
	if tooSmall(m.width, m.height) && !key.Matches(msg, m.keys[stop]) && !key.Matches(msg, m.keys[suspend]) {
		return nil // nobody should consent to what cannot be seen
	}
	if log, is := m.over.(logPage); is && log.search.typing && (msg.Text != "" || msg.Code == tea.KeyBackspace) {
		m.over = log.typed(msg)
		return nil
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

// offers are those of the page in front, and those that hold everywhere.
func (m *model) offers() []offer {
	offers := m.front().offers(&m.facts)
	if _, asks := m.over.(stopPage); asks {
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
