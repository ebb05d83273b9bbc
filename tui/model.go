package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// The causes of a call's end.
var (
	errStopped = errors.New("stopped from the keyboard")
	errClosed  = errors.New("the terminal was closed")
)

// model is the root: it routes keys and messages, and knows which page is shown.
type model struct {
	options Options
	theme   theme
	worker  *worker
	ctx     context.Context // of the caller; it ends with a signal

	width, height int
	page          page
	over          page // shown in front of page; nil for none
	offset        int  // the line of the page at the top
	scrolled      bool // a person scrolled: the page does not follow its focus

	facts   facts
	endCall context.CancelCauseFunc
	leaving bool     // quit when the call has ended
	ticks   int      // the number of the present series of ticks
	deaf    int      // pages that changed by themselves a moment ago, so that keys may have been meant for the last one
	blurred bool     // the terminal's window has not got the focus, as far as is known
	mouse   bool     // the mouse is ours
	turns   int      // how often another page was shown
	outcome *Outcome // set when the wizard was left
}

// page is a screen: its text and its offers. Pages hold no state of the run; that is in facts.
type page interface {
	title() string
	offers(f *facts) []offer
	body(f *facts, t *text)
}

// noter is a page with words beside its keys.
type noter interface{ note(f *facts) string }

// teller is a page that may tell a person to type a command.
type teller interface{ command(f *facts) string }

// form is a page that takes text.
type form interface {
	page
	typing() bool            // letters are text now
	edited(msg tea.Msg) page // the page after a key or a paste
}

// question is a page that can only be left by its answers.
type question interface{ asks() }

// facts are the state of the run. Pages read them; only the root model writes them.
type facts struct {
	options *Options
	choices provision.Choices

	progress provision.Progress
	log      ring
	lastLine string         // of a tool, in the current step
	lastAt   time.Time      // when it came
	plan     provision.Plan // that needs consent, or had it
	typedFor provision.Plan // what the name was typed for, last
	agreed   provision.Plan // what the present run, or the last one, was agreed to
	// replacing: plan is one of a replacement, which has no consent yet. refusal is the failure if it gets none.
	replacing bool
	refusal   *provision.Error
	adopting  bool                 // plan is one that adopts a foreign VM, which has no consent yet either
	deeper    provision.Disruption // of the plan that is shown, when it interrupts more than was agreed to before
	alert     alert                // what the page in front begins with, until another page is shown

	call     call
	stopping bool // the call was cancelled and has not ended yet
	began    time.Time
	now      time.Time
	beats    int

	health   *provision.Health
	observed time.Time        // when health came
	stale    string           // why the health that is being watched may be out of date; empty when it is not
	failure  *provision.Error // why the world is not ready
	ready    bool             // it was verified to be, by the last call
	removed  bool             // the world was, by the last call
	changed  bool             // something was, since the start
	unfolded bool             // nothing is left out of a page
}

// alert is a line about something that has just happened.
type alert struct {
	outcome provision.Outcome
	words   string
}

func newModel(ctx context.Context, options Options) *model {
	return &model{
		options: options, ctx: ctx, theme: newTheme(options.UTF8, options.NoColor, options.Still),
		worker: &worker{engine: options.Engine, mailbox: &mailbox{}, now: options.Now},
		page:   prerequisitesPage{},
		facts:  facts{options: &options, choices: options.Choices, replacing: options.Replacing},
	}
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd {
	commands := []tea.Cmd{waitForCancel(m.ctx), m.start(planning, prerequisitesPage{})}
	if !m.options.NoColor {
		commands = append(commands, tea.RequestBackgroundColor)
	}
	return tea.Batch(commands...)
}

// show shows another page, and nothing in front of it.
func (m *model) show(page page) {
	m.turns++
	m.page, m.facts.alert, m.facts.unfolded = page, alert{}, false
	m.uncover()
}

// cover shows a page in front of the others.
func (m *model) cover(page page) tea.Cmd {
	m.over, m.offset, m.scrolled = page, 0, false
	return nil
}

// uncover closes the page in front.
func (m *model) uncover() tea.Cmd { return m.cover(nil) }

// front returns the page in front.
func (m *model) front() page {
	if m.over != nil {
		return m.over
	}
	return m.page
}

// offers are those of the page in front, and those of every page. Each key is offered once.
func (m *model) offers() []offer {
	offers := offersOf(m.front(), &m.facts)
	if _, asks := m.over.(question); asks {
		return offers
	}
	for _, offer := range everywhere(&m.facts) {
		if !has(offers, offer.key) && !(offer.is(keyHelp) && m.over != nil) {
			offers = append(offers, offer)
		}
	}
	return offers
}

// offersOf are the offers of a page, with that to copy the command that it tells a person to type.
func offersOf(page page, f *facts) []offer {
	offers := page.offers(f)
	teller, ok := page.(teller)
	if !ok {
		return offers
	}
	if command := teller.command(f); command != "" {
		offers = append(offers, offer{keyCopy, "copy", func(m *model) tea.Cmd {
			m.facts.alert = alert{provision.OK, "Copied, if the terminal allows it: " + command}
			return tea.SetClipboard(command)
		}})
	}
	return offers
}

// commandIn is the first command in an advice; empty when it has none.
func commandIn(advice string) string {
	for _, part := range plaintext.Advice(advice) {
		if part.Command != "" {
			return part.Command
		}
	}
	return ""
}

// take receives a report of watching.
func (f *facts) take(health *provision.Health) {
	f.stale = ""
	for _, item := range health.Items {
		if item.ID == provision.ItemObserving && f.health != nil { // the last report stays until there is another one
			f.stale = item.Found
			return
		}
	}
	f.health, f.observed, f.ready, f.failure = health, f.now, health.Ready, provision.AsError(health.Err())
	if health.Run != nil {
		f.failure = nil // nothing was observed
	}
}

// kept reports whether there is a backup that can be restored.
func (f *facts) kept() bool {
	if f.health != nil { // newer than the plan
		return f.health.Keeps()
	}
	return f.plan.Existing != nil && f.plan.Existing.Kept != ""
}

// lifecycle returns the offers about whole VMs: replace, restore and remove.
func (f *facts) lifecycle() []offer {
	offers := []offer{{keyReplace, "replace it", (*model).planReplacement}}
	if f.kept() {
		offers = append(offers, offer{keyRestore, "restore the kept VM", askConsent(restoring)})
	}
	return append(offers, offer{keyRemove, "remove it", askConsent(removing)})
}

// manage is the way to them.
func (f *facts) manage() []offer {
	return []offer{{keyManage, "manage", func(m *model) tea.Cmd { return m.cover(managePage{}) }}}
}

// offerChoices is the way to the choices.
func (f *facts) offerChoices() (offers []offer) {
	if f.options.Check != nil {
		offers = []offer{{keyChoices, "change", (*model).choose}}
	}
	return offers
}

// showAlert writes the alert.
func (f *facts) showAlert(t *text) {
	if f.alert.words != "" {
		t.put(t.mark(f.alert.outcome)+" ", f.alert.words)
		t.blank()
	}
}
