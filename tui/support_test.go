package tui

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/provision"
)

// wizard is a model under test: its engine is the test itself, and its clock moves when the test moves it.
type wizard struct {
	t     *testing.T
	model *model
	clock time.Time
	seq   int
}

func newWizard(t *testing.T, change func(*Options)) *wizard {
	t.Helper()
	w := &wizard{t: t, clock: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	options := Options{
		Engine: func(Request) Engine { panic("the model called the engine by itself") },
		Check: func(context.Context, provision.Choices) provision.Validation {
			panic("the model read files by itself")
		},
		Fix:    func(context.Context, string, io.Reader, io.Writer) error { panic("the model fixed by itself") },
		Export: func(context.Context, provision.Health) (string, error) { panic("the model wrote by itself") },
		Save: func(context.Context, provision.Choices) (string,
			error) {
			panic("the model kept something by itself")
		},
		VM: "substrate", LogPath: "/home/ada/.local/state/worldsetup/substrate-1234abcd.log", UTF8: true,
		Report: "worldsetup bundle",
		Now:    func() time.Time { return w.clock },
	}
	if change != nil {
		change(&options)
	}
	w.model = newModel(t.Context(), options)
	w.model.Init()
	w.resize(80, 24)
	return w
}

func (w *wizard) resize(width, height int) {
	w.model.Update(tea.WindowSizeMsg{Width: width, Height: height})
}

// press presses keys and returns what the last one asks for.
func (w *wizard) press(keys ...string) (asked tea.Cmd) {
	for _, key := range keys {
		_, asked = w.model.Update(keyPress(key))
	}
	return asked
}

func keyPress(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "tab": tea.KeyTab,
		"backspace": tea.KeyBackspace,
	}
	if code, known := codes[name]; known {
		return tea.KeyPressMsg{Code: code}
	}
	if letter, ctrl := strings.CutPrefix(name, "ctrl+"); ctrl {
		return tea.KeyPressMsg{Code: []rune(letter)[0], Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// emits has the engine emit events, and time pass until the next beat.
func (w *wizard) emits(after time.Duration, events ...provision.Event) {
	for _, event := range events {
		w.seq++
		event.Seq, event.Time = w.seq, w.clock
		w.model.worker.mailbox.put(event)
	}
	w.clock = w.clock.Add(after)
	w.model.Update(tickMsg{w.clock, w.model.ticks})
}

// types types letters.
func (w *wizard) types(text string) {
	for _, letter := range text {
		w.press(string(letter))
	}
}

// ends has the engine end the call that it was asked for, which must be what.
func (w *wizard) ends(what call, plan provision.Plan, health *provision.Health, err *provision.Error) {
	w.t.Helper()
	if w.model.facts.call != what {
		w.t.Fatalf("the engine was asked for %d, want %d; the screen:\n%s", w.model.facts.call, what, w.screen())
	}
	w.model.Update(endedMsg{call: what, now: w.clock, plan: plan, health: health, err: err})
	if w.model.deaf > 0 {
		w.model.Update(listenMsg{})
	}
}

// previews answers what restoring or removing would do.
func (w *wizard) previews(plan provision.Plan) {
	w.t.Helper()
	page, ok := w.model.over.(consentPage)
	if !ok || page.plan != nil {
		w.t.Fatalf("there was no preview; the screen:\n%s", w.screen())
	}
	w.model.Update(endedMsg{call: previews[page.call], plan: plan})
}

func (w *wizard) screen() string { return ansi.Strip(w.model.View().Content) }

// shows wants texts on the screen, wherever lines break.
func (w *wizard) shows(texts ...string) {
	w.t.Helper()
	screen := w.screen()
	flat := strings.Join(strings.Fields(screen), " ")
	for _, text := range texts {
		if !strings.Contains(flat, text) {
			w.t.Errorf("there is no %q on\n%s", text, screen)
		}
	}
}

// validates answers the validation of the choices.
func (w *wizard) validates(verdict provision.Validation) {
	w.t.Helper()
	page, ok := w.model.over.(choicesPage)
	if !ok || !page.validating {
		w.t.Fatalf("there was no validation; the screen:\n%s", w.screen())
	}
	for range 99 { // each answer to an older question is followed by another question
		page := w.model.over.(choicesPage)
		w.model.Update(validatedMsg{page.choices(), verdict})
		if page, ok := w.model.over.(choicesPage); !ok || !page.validating {
			return
		}
	}
	w.t.Fatal("it asks for ever")
}
