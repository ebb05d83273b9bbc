package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

func TestFirstRun(t *testing.T) {
	w := newWizard(t, nil)
	w.shows("Check › Plan", "changing nothing")
	scenes["plan"](w)
	w.shows("Nothing has been changed yet", "~/project → /src, writable", "↓ to download", "1 create the VM",
		"2 start the VM 20 s", "(if missing) 15 s", "new VM: all are needed", "! free space: 21 GiB make room")
	w.press("enter")
	w.shows("Plan ✓ › Run › Verify", "checking the VM before the first change")
	w.emits(4*time.Second, planned(firstPlan), stepped(1, firstPlan.Steps[0], provision.StepRunning, 0))
	w.shows("1 create the VM 4 s of ~1 s", "· 2 start the VM 20 s", "VM substrate: being created")
	w.emits(0, stepped(1, firstPlan.Steps[0], provision.StepDone, 4*time.Second),
		stepped(2, firstPlan.Steps[1], provision.StepRunning, 0), logged("Waiting for ssh"))
	w.shows("✓ 1 create the VM 4 s", "Waiting for ssh", "VM substrate: booting")
	// The world was observed again: the new plan counts.
	w.emits(0, stepped(2, firstPlan.Steps[1], provision.StepDone, time.Second),
		stepped(3, firstPlan.Steps[2], provision.StepSkipped, 0), planned(provision.Plan{VM: "substrate"}))
	w.shows("verifying access: connecting as everyone who is allowed", "– 3 install packages in the guest (not needed)",
		"Run ✓ › Verify", "VM substrate: running")
	w.ends(running, provision.Plan{}, healthy(), nil)
	w.shows("Run ✓ › Verify ✓", "✓ Ready · verified just now", "srw-rw---- root substrate /run/substrate.sock ✓ ✓ ✓",
		"ada (in the group substrate)", "! disk of the guest", "! PROBE: answers, runs no commands", "1 of 2")
	w.press("enter")
	w.shows("linger: on")
	if w.press("q"); w.model.outcome == nil || w.model.outcome.Err != nil || !w.model.outcome.Health.Ready {
		t.Errorf("the outcome is %+v", w.model.outcome)
	}
}

// A healthy world is verified without a question, by a call that changes nothing.
func TestHealthyWorld(t *testing.T) {
	w := newWizard(t, nil)
	w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
	w.shows("There is nothing to change")
	w.ends(verifying, provision.Plan{}, healthy(), nil)
	w.press("r")
	w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
}

func TestRepairIsAgreedTo(t *testing.T) {
	w := newWizard(t, nil)
	scenes["unhealthy"](w)
	w.shows("Not ready", "✗ a user outside the group", "expected refused",
		"found answered", "r repair")
	w.press("r")
	w.ends(planning, repairPlan, nil, nil)
	w.shows("Nothing has been changed yet", "stop the VM", "Programs that run in the VM will be stopped")
	if w.model.facts.call != idle {
		t.Error("it began without consent")
	}
	w.press("enter")
	w.ends(running, provision.Plan{}, healthy(), nil)
}

func TestLeaving(t *testing.T) {
	for name, kind := range map[string]provision.Kind{
		"plan": provision.KindInterrupted, "plan-replace": provision.KindReplacement, "plan-blocked": provision.KindUsage,
		"prerequisites": provision.KindPrerequisite, "failure": provision.KindProvisioning,
		"stopped": provision.KindInterrupted, "unhealthy": provision.KindUnhealthy, "health": "",
	} {
		for _, key := range []string{"q", "ctrl+c"} {
			w := newWizard(t, nil)
			scenes[name](w)
			w.press(key)
			outcome := w.model.outcome
			switch {
			case outcome == nil:
				t.Errorf("%s: %s does not leave", name, key)
			case (outcome.Err == nil) != (kind == "") || outcome.Err != nil && outcome.Err.Kind != kind:
				t.Errorf("%s: the outcome is %+v", name, outcome)
			}
		}
	}
}

// Keys that are not offered do nothing, whatever they mean elsewhere.
func TestWrongKeysDoNothing(t *testing.T) {
	everything := []string{"a", "x", "y", "n", "r", "enter", "tab", "Q", "1", "/", "ctrl+d", "ctrl+q", "backspace", "q",
		"l", "?", "esc"}
	for name, scene := range scenes {
		w := newWizard(t, nil)
		scene(w)
		if form, ok := w.model.front().(form); name == "search" || ok && form.typing() { // there, letters are letters
			continue
		}
		var offered []string
		for _, offer := range w.model.offers() {
			offered = append(offered, offer.key.Keys()...)
		}
		before := w.screen()
		for _, key := range everything {
			if slices.Contains(offered, key) {
				continue
			}
			if w.press(key) != nil || w.screen() != before || w.model.outcome != nil {
				t.Errorf("%s: %q did something:\n%s", name, key, w.screen())
			}
		}
	}
}

func TestStopping(t *testing.T) {
	w := newWizard(t, nil)
	working(w)
	ctx, stopCall := context.WithCancelCause(t.Context())
	w.model.endCall = stopCall

	w.press("ctrl+c")
	w.shows("Stop the current work?", "enter/n no, go on", "y yes, stop")
	w.press("enter") // it starts on no
	w.shows("Run › Verify")
	if w.model.facts.stopping {
		t.Fatal("enter stopped it")
	}
	command := w.press("ctrl+c", "x", "q", "y")
	w.shows("Stopping: waiting for the current step to end")
	if command == nil || command() != nil || !errors.Is(context.Cause(ctx), errStopped) {
		t.Fatalf("the engine's context ends with %v", context.Cause(ctx))
	}
	if w.model.outcome != nil {
		t.Fatal("it left before the engine had ended")
	}
	w.ends(running, provision.Plan{}, nil, &provision.Error{Kind: provision.KindInterrupted,
		What: "the run was interrupted", Next: "run worldsetup again"})
	w.shows("The run was interrupted", "✓ 1 create the VM", "2 start the VM", "run worldsetup again",
		"r try again")
	w.press("r")
	w.ends(planning, firstPlan, nil, nil)
}

// A person who insists gets out, and the outcome reports that work is still running.
func TestInsisting(t *testing.T) {
	w := newWizard(t, nil)
	scenes["stopping"](w)
	w.press("ctrl+c")
	if outcome := w.model.outcome; outcome == nil || !outcome.Abandoned ||
		outcome.Err.Kind != provision.KindInterrupted {
		t.Errorf("the outcome is %+v", outcome)
	}
}

// What changes nothing needs no question before it is stopped.
func TestStoppingAPlan(t *testing.T) {
	w := newWizard(t, nil)
	w.press("ctrl+c")
	w.shows("stopping")
	w.ends(planning, provision.Plan{}, nil, stopped)
	if outcome := w.model.outcome; outcome == nil || outcome.Err != stopped {
		t.Errorf("the outcome is %+v", outcome)
	}
}

// A signal ends the context of the wizard: the current call ends first.
func TestSignal(t *testing.T) {
	cause := errors.New("SIGTERM was received")
	w := newWizard(t, nil)
	working(w)
	w.model.Update(cancelledMsg{cause})
	w.shows("Stopping")
	if w.model.outcome != nil {
		t.Fatal("it left before the engine had ended")
	}
	w.ends(running, provision.Plan{}, nil, stopped)
	if outcome := w.model.outcome; outcome == nil || outcome.Err != stopped {
		t.Errorf("the outcome is %+v", outcome)
	}

	w = newWizard(t, nil)
	scenes["health"](w)
	w.press("w")
	ctx, signal := context.WithCancelCause(t.Context())
	w.model.ctx = ctx
	signal(cause)
	w.model.Update(cancelledMsg{cause})
	w.ends(watching, provision.Plan{}, nil, stopped)
	if outcome := w.model.outcome; outcome == nil || outcome.Err == nil || !errors.Is(outcome.Err, cause) {
		t.Errorf("while it was watched, the outcome is %+v", outcome)
	}

	w = newWizard(t, nil)
	scenes["health"](w)
	w.model.Update(cancelledMsg{cause})
	if outcome := w.model.outcome; outcome == nil || outcome.Err == nil || !errors.Is(outcome.Err, cause) ||
		outcome.Health == nil {
		t.Errorf("the outcome is %+v", outcome)
	}
}

func TestFailureJumpsAndCanBeRetried(t *testing.T) {
	w := newWizard(t, nil)
	working(w)
	w.press("l") // also from the log
	w.ends(running, provision.Plan{}, nil, broken)
	w.shows(`✗ The step "start the VM" failed step 2 of 3, after 12 s`, "signal: killed", "ha.stderr.log",
		"log /home/ada/.local/state/worldsetup/", "r try again")
	w.press("l")
	w.shows("The essential requirement 1 of 2 is satisfied")
	w.press("esc", "r")
	w.ends(planning, firstPlan, nil, nil)
	w.shows("Nothing has been changed yet")
	if w.press("q"); w.model.outcome.Err.What != "stopped before the world was ready" {
		t.Errorf("the outcome is %+v", w.model.outcome.Err)
	}
}

// An engine that ends without a report and without an error must not pass for success.
func TestNoReportIsNoSuccess(t *testing.T) {
	w := newWizard(t, nil)
	w.ends(planning, provision.Plan{}, nil, &provision.Error{Kind: provision.KindInternal, What: "a bug"})
	w.shows("Plan ✗", "✗ A bug")
}

func TestLogFollowsUntilItIsScrolled(t *testing.T) {
	w := newWizard(t, nil)
	scenes["log"](w)
	w.emits(0, logged("the newest line"))
	w.shows("the newest line")
	w.press("home")
	w.shows("== create the VM: running")
	w.emits(0, logged("a still newer line"))
	w.shows("== create the VM: running")
	w.press("G")
	w.shows("a still newer line")
	w.emits(0, logged("the last one"))
	w.shows("the last one")
}

func TestSearchInTheLog(t *testing.T) {
	w := newWizard(t, nil)
	working(w)
	for i := range 300 {
		line := "line"
		if i%100 == 50 {
			line = fmt.Sprintf("The FAULT number %d ql?", i)
		}
		w.emits(0, logged(line))
	}
	w.press("l", "/")
	w.press("f", "a", "u", "l", "x", "backspace", "t")
	w.shows("search: fault_", "enter find", "esc cancel")
	w.press("enter")
	w.shows("FAULT number 250", "found: fault")
	w.press("n")
	w.shows("FAULT number 150")
	w.press("n", "n")
	w.shows("FAULT number 50", "no other: fault")
	w.press("N")
	w.shows("FAULT number 150")
	w.press("/", "q", "l", "?", "esc") // letters that mean something elsewhere
	w.shows("Log", "/ search")
	w.press("/", "a", "c", "left", "b")
	w.shows("search: ab_c")
	w.press("esc", "/", "x", "ctrl+c")
	w.shows("Stop the current work?")
}

func TestProgressBarOfTheTerminal(t *testing.T) {
	for name, want := range map[string]tea.ProgressBarState{
		"checking": tea.ProgressBarIndeterminate, "progress": tea.ProgressBarDefault, "failure": tea.ProgressBarError,
	} {
		w := newWizard(t, nil)
		scenes[name](w)
		if bar := w.model.View().ProgressBar; bar == nil || bar.State != want {
			t.Errorf("%s: %+v", name, bar)
		}
	}
	w := newWizard(t, nil)
	if scenes["health"](w); w.model.View().ProgressBar != nil {
		t.Error("it stays when there is nothing to wait for")
	}
}

// The clock is a sign of life while the engine is silent.
func TestTheClockGoes(t *testing.T) {
	w := newWizard(t, func(o *Options) { o.Still = true })
	working(w)
	before := w.screen()
	w.emits(time.Second)
	if w.screen() == before {
		t.Error("a second went by, and nothing moved")
	}
	w.shows("start the VM 13 s")
}
