package tui

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"
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
			can: abilities{choose: options.Check != nil, fix: options.Fix != nil, export: options.Export != nil, keep: options.Keep != nil},
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
	case foreseenMsg:
		m.foreseen(msg)
	case checkedMsg:
		return m, m.checked(msg)
	case keptMsg:
		m.kept(msg)
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
