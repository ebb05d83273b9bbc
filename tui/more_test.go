package tui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

func TestChecksAreAnnouncedAndFinish(t *testing.T) {
	w := newWizard(t, nil)
	w.emits(0, checked(checks.Pending, "Lima", "", "", ""), checked(checks.Pending, "QEMU", "", "", ""),
		checked(checks.Pending, "acceleration", "", "", ""))
	if screen := w.screen(); strings.Count(screen, "⠋") != 4 { // and the call itself
		t.Errorf("not all of them spin:\n%s", screen)
	}
	w.emits(time.Second, checked(checks.OK, "Lima", "2.1.4", "", ""), fixableCheck,
		checked(checks.Skipped, "acceleration", "waits for QEMU", "", ""))
	w.shows("✓ Lima: 2.1.4", "– acceleration: waits for QEMU")
	if strings.Count(w.screen(), "Lima") != 1 {
		t.Errorf("a check stands there twice:\n%s", w.screen())
	}
}

func TestFix(t *testing.T) {
	w := newWizard(t, nil)
	scenes["fix"](w)
	w.shows("Exactly this command will be run", "$ sudo apt-get install -y qemu-utils", "enter/n no")
	w.press("enter", "f", "x", "esc")
	w.shows("Prerequisites are missing")
	for _, size := range [][2]int{{80, 24}, {30, 10}} { // on the second one the question can't be read
		w.press("f")
		w.resize(size[0], size[1])
		if w.press("ctrl+c") != nil || w.model.outcome != nil {
			t.Fatalf("%v: ctrl+c does more than to refuse", size)
		}
		w.resize(80, 24)
		w.shows("Prerequisites are missing")
	}
	if w.press("f", "y") == nil {
		t.Fatal("nothing is run")
	}
	w.model.Update(fixedMsg{errors.New("no network")})
	w.shows("The fix did not help: no network")
	w.emits(0, fixableCheck)
	w.ends(planning, provision.Plan{}, nil, missing)
	w.press("f", "y")
	w.model.Update(fixedMsg{})
	w.ends(planning, firstPlan, nil, nil)
	w.shows("Nothing has been changed yet")
}

// The key that fixes is named where it does something, and at the check that it fixes.
func TestFixIsNamedWhereItIsOffered(t *testing.T) {
	const named = "shows the command that would fix it"
	second := fixableCheck
	check := *second.Check
	check.ID, check.Title, second.Check = "ssh", "ssh client", &check
	w := newWizard(t, nil)
	w.emits(time.Second, fixableCheck, second)
	if strings.Contains(w.screen(), named) {
		t.Errorf("while it checks, the key does nothing:\n%s", w.screen())
	}
	w.ends(planning, provision.Plan{}, nil, missing)
	w.resize(120, 40)
	if screen := w.screen(); strings.Count(screen, named) != 1 ||
		strings.Index(screen, named) > strings.Index(screen, "ssh client") {
		t.Errorf("it fixes QEMU only:\n%s", screen)
	}
}

// While a failed step is rolled back, the step that runs is in sight.
func TestTheRollbackIsInSight(t *testing.T) {
	w := newWizard(t, nil)
	w.resize(80, 16)
	w.ends(planning, longReplacement(), nil, nil)
	w.press("x")
	w.types("substrate")
	w.press("enter")
	plan := longReplacement()
	w.emits(0, planned(plan), stepped(1, plan.Steps[0], provision.StepFailed, time.Second))
	undo := stepped(16, provision.Step{ID: provision.StepRollbackRemove, Title: "delete the VM that is not needed"},
		provision.StepRunning, 0)
	undo.Step.Added = true
	w.emits(0, undo)
	w.shows("+16 delete the VM that is not needed")
}

// Steps that share a line are named by their own numbers, also where some between them were left out.
func TestSharedNumbers(t *testing.T) {
	steps := []provision.Step{{Number: 6, Title: "one"}, {Number: 7, Title: "two"}, {Number: 11, Title: "three"}}
	if line := sharedLine(steps, 1); line.number != " 6-11 " {
		t.Errorf("%q", line.number)
	}
	for i := range steps {
		steps[i].Number = 0
	}
	if line := sharedLine(steps, 2); line.number != "  2-4 " {
		t.Errorf("%q", line.number)
	}
}

// While it is observed again, the last report stays in sight, and nothing is called ready.
func TestWatchingUnsure(t *testing.T) {
	w := newWizard(t, nil)
	scenes["watching-unsure"](w)
	w.shows("something changed, and is being observed", "/run/substrate.sock", "watching")
	if strings.Contains(w.screen(), "Ready") {
		t.Errorf("it is called ready:\n%s", w.screen())
	}
	w.model.worker.mailbox.putHealth(*healthy())
	w.emits(0)
	w.shows("✓ Ready · verified")
}

func TestWatching(t *testing.T) {
	w := newWizard(t, nil)
	scenes["watching"](w)
	w.shows("Not ready", "watching live", "7 s ago", "found answered")
	w.model.worker.mailbox.putHealth(*healthy())
	w.emits(0)
	w.shows("✓ Ready · verified", "w stop watching")
	w.model.facts.replacing = true // as after a replacement
	if w.model.request(watching).Replace != "" {
		t.Error("what is watched for is a replacement")
	}
	w.press("w")
	w.ends(watching, provision.Plan{}, nil, stopped)
	w.shows("w watch")
	if w.press("q"); w.model.outcome == nil || w.model.outcome.Err != nil {
		t.Errorf("the outcome is %+v", w.model.outcome)
	}

	w = newWizard(t, nil)
	scenes["watching"](w)
	if w.press("q"); w.model.outcome != nil {
		t.Fatal("it left before the engine had ended")
	}
	w.ends(watching, provision.Plan{}, nil, stopped)
	if outcome := w.model.outcome; outcome == nil || outcome.Err == nil || outcome.Err.Kind != provision.KindUnhealthy {
		t.Errorf("the outcome is %+v", outcome)
	}
}

// A person who stops watching and leaves at once does not abandon anything: what was watched counts.
func TestLeavingWhileWatchingStops(t *testing.T) {
	w := newWizard(t, nil)
	scenes["health"](w)
	w.press("w", "w", "q")
	if w.model.outcome != nil {
		t.Fatalf("it left before the engine had ended: %+v", w.model.outcome)
	}
	w.ends(watching, provision.Plan{}, nil, stopped)
	if outcome := w.model.outcome; outcome == nil || outcome.Err != nil || outcome.Abandoned {
		t.Errorf("the outcome is %+v", outcome)
	}

	w = newWizard(t, nil)
	scenes["health"](w)
	w.press("w", "w", "q", "q")
	if outcome := w.model.outcome; outcome == nil || !outcome.Abandoned {
		t.Errorf("who insists does not get out: %+v", outcome)
	}
}

func TestExport(t *testing.T) {
	path, failure := "/home/ada/report.json", error(nil)
	w := newWizard(t, func(o *Options) {
		o.Export = func(context.Context, provision.Health) (string, error) { return path, failure }
	})
	scenes["health"](w)
	w.model.Update(w.press("e")())
	w.shows("The report was written to /home/ada/report.json")
	path, failure = "", errors.New("no space left")
	w.model.Update(w.press("e")())
	w.shows("The report was not written: no space left")
}

// The last line of a tool is shown with its age, so that silence is seen as silence.
func TestSilenceIsSeen(t *testing.T) {
	w := newWizard(t, nil)
	working(w)
	w.emits(3 * time.Second)
	if strings.Contains(w.screen(), "ago") {
		t.Errorf("three seconds are no silence:\n%s", w.screen())
	}
	w.emits(30 * time.Second)
	w.shows("is satisfied (33 s ago)")
}

func TestMouse(t *testing.T) {
	w := newWizard(t, func(o *Options) { o.Mouse = true })
	scenes["unhealthy"](w)
	if w.model.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse is taken before it is asked for")
	}
	w.press("M")
	if w.model.View().MouseMode != tea.MouseModeCellMotion {
		t.Error("the mouse is not asked for")
	}
	w.resize(80, 16)
	before := w.screen()
	w.model.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	if w.screen() == before {
		t.Error("the wheel does nothing")
	}
	lines := strings.Split(w.screen(), "\n")
	footer := len(lines) - 1
	at := strings.Index(lines[footer], "l log")
	w.model.Update(tea.MouseClickMsg{Button: tea.MouseLeft, X: at + 7, Y: footer}) // between two
	w.model.Update(tea.MouseClickMsg{Button: tea.MouseRight, X: at, Y: footer})
	w.shows("r repair")
	w.model.Update(tea.MouseClickMsg{Button: tea.MouseLeft, X: at, Y: footer})
	w.shows("Log")

	w = newWizard(t, nil)
	w.model.Update(endedMsg{call: planning, now: w.clock, plan: firstPlan})
	lines = strings.Split(w.screen(), "\n")
	footer = len(lines) - 1
	for ; !strings.Contains(lines[footer], "enter start"); footer-- {
	}
	at = strings.Index(lines[footer], "enter start")
	start := tea.MouseClickMsg{Button: tea.MouseLeft, X: at, Y: footer}
	if w.model.Update(start); w.model.facts.call != idle {
		t.Error("a click started what was not yet on the screen")
	}
	w.model.Update(listenMsg{})
	if w.model.Update(start); w.model.facts.call != running {
		t.Error("clicks are ignored for ever")
	}

	w = newWizard(t, nil)
	w.press("M")
	if w.model.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse is taken where it may not be")
	}
}
