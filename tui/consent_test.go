package tui

import (
	"errors"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// What can't be restored is agreed to by typing its name, and by nothing else.
func TestReplacementNeedsTheName(t *testing.T) {
	w := newWizard(t, nil)
	w.ends(planning, replacePlan(nil), nil, nil)
	if w.model.request(planning).Replace != "substrate" {
		t.Error("the plan of the replacement was not asked for")
	}
	w.ends(planning, replacePlan(replaceSteps), nil, nil)
	w.shows("! deleted:", "3.1 GiB", "x replace it")
	w.press("enter", "y", "x")
	w.shows("Replace the VM substrate?", "type the VM's name", "Deleted", "Kept", "/home/ada/project")
	w.press("enter")
	w.types("Substrate")
	w.press("enter")
	w.shows("Substrate is not the name of the VM", "Nothing has been changed")
	if w.model.facts.call != idle {
		t.Fatal("it began with a wrong name")
	}
	w.press("esc")
	w.shows("x replace it")
	w.press("x")
	w.model.Update(tea.PasteMsg{Content: " substrate\n"})
	w.press("enter")
	if w.model.facts.call != running {
		t.Fatal("it did not begin")
	}
	if request := w.model.request(running); request.Replace != "substrate" ||
		request.Approve(t.Context(), replacePlan(nil)) == nil {
		t.Errorf("the request is %+v", request)
	}
}

// The same holds for restoring and removing.
func TestRestoringAndRemovingNeedTheName(t *testing.T) {
	for key, test := range map[string]struct {
		call     call
		plan     provision.Plan
		consents [3]string // to replace, restore and remove
		words    []string
	}{
		"B": {restoring, restorePlan, [3]string{1: "substrate"}, []string{"Restore the kept VM", "of the current VM",
			"the VM that was kept"}},
		"D": {removing, removalPlan, [3]string{2: "substrate"}, []string{"Remove the world in the VM substrate?",
			"the kept VM substrate.ws-old", "/home/ada/project"}},
	} {
		w := newWizard(t, nil)
		scenes["kept"](w)
		w.press("m", key)
		w.types("substrate")
		w.press("enter")
		if w.model.facts.call != idle {
			t.Fatalf("%s: it began before what will be deleted was shown", key)
		}
		for range "substrate" {
			w.press("backspace")
		}
		w.previews(test.plan)
		w.shows(test.words...)
		w.press("enter")
		w.types("y")
		w.press("enter")
		w.shows("y is not the name of the VM", "Nothing has been changed")
		if w.model.facts.call != idle {
			t.Fatalf("%s: it began with a wrong name", key)
		}
		w.types("substrate")
		w.press("enter")
		if w.model.facts.call != test.call {
			t.Errorf("%s: it did %d", key, w.model.facts.call)
		}
		request := w.model.request(test.call) // one consent is not another
		if consents := [3]string{request.Replace, request.Restore, request.Remove}; consents != test.consents {
			t.Errorf("%s: the consents are %q", key, consents)
		}
		approve := w.model.request(test.call).Approve
		other := test.plan
		other.Steps = other.Steps[:1]
		if approve == nil || approve(t.Context(), test.plan) != nil || approve(t.Context(), other) == nil {
			t.Fatalf("%s: another plan is approved of than what was shown", key)
		}
		w.press("ctrl+c")
		w.shows("Stop the current work?")
		w.press("esc")
		w.ends(test.call, provision.Plan{}, nil, provision.AsError(approve(t.Context(), other)))
		w.shows(consents[test.call].question, "has changed since you agreed")
	}
}

// A kept VM can be restored, and nothing else can.
func TestRestoringNeedsAKeptVM(t *testing.T) {
	w := newWizard(t, nil)
	scenes["plan-interrupts"](w)
	w.press("m", "B")
	w.shows("D remove")
	if strings.Contains(w.screen(), "B restore") {
		t.Errorf("nothing is kept:\n%s", w.screen())
	}
	health := healthy()
	health.Items = append(health.Items, provision.Item{Finding: provision.Finding{ID: "kept", Title: "kept VM",
		Outcome: provision.Info, Found: "substrate.ws-old"}})
	w = newWizard(t, nil)
	w.ends(planning, provision.Plan{VM: "substrate", Existing: existingVM}, nil, nil)
	w.ends(verifying, provision.Plan{}, health, nil)
	w.shows("m manage")
	w.press("m")
	w.shows("B restore", "D remove")
	w.press("B")
	w.previews(restorePlan)
	w.types("substrate")
	w.press("enter")
	w.ends(restoring, provision.Plan{}, healthy(), nil)
	w.shows("Ready · verified just now")
}

// A world that was taken away is no failure, and another can be planned.
func TestRemoved(t *testing.T) {
	w := newWizard(t, nil)
	scenes["removed"](w)
	w.shows("removed: the world in the VM substrate is gone", "✓ 2 remove the VM", "r plan a new one")
	w.press("q")
	if outcome := w.model.outcome; outcome == nil || outcome.Err != nil || !outcome.Removed || outcome.Health != nil {
		t.Errorf("%+v", outcome)
	}
	w = newWizard(t, nil)
	scenes["removed"](w)
	w.press("r")
	w.ends(planning, firstPlan, nil, nil)
	w.press("q")
	if outcome := w.model.outcome; outcome == nil || outcome.Removed || outcome.Err == nil {
		t.Errorf("%+v", outcome)
	}
}

func TestReplaceInsteadOfRepair(t *testing.T) {
	w := newWizard(t, nil)
	scenes["plan-interrupts"](w)
	w.shows("m manage")
	w.press("m", "x")
	if w.model.request(planning).Replace != "substrate" {
		t.Error("the plan of the replacement was not asked for")
	}
	w.ends(planning, replacePlan(replaceSteps), nil, nil)
	w.press("r")
	if w.model.request(planning).Replace != "" {
		t.Error("checking again is still about the replacement")
	}
}

// Between the question and the first change another program may have changed the VM.
func TestWhatChangedIsAgreedToAgain(t *testing.T) {
	w := newWizard(t, nil)
	scenes["plan"](w)
	approve := w.model.request(running).Approve
	if err := approve(t.Context(), firstPlan); err != nil {
		t.Errorf("the plan that was agreed to is refused: %v", err)
	}
	other := firstPlan
	other.Steps = slices.Clone(firstPlan.Steps)
	other.Steps[1].Reason = "it was stopped"
	err := provision.AsError(approve(t.Context(), other))
	if _, ok := errors.AsType[provision.ChangedError](err); !ok {
		t.Fatalf("%+v", err)
	}
	w.press("enter")
	w.ends(running, provision.Plan{}, nil, err)
	w.shows("has changed since you agreed", "it was stopped", "enter start")
	if err := w.model.request(running).Approve(t.Context(), other); err != nil {
		t.Errorf("the new plan cannot be agreed to: %v", err)
	}
}

// What cuts deeper than was agreed to is shown, and done only after another yes.
func TestWhatInterruptsMoreIsAskedAgain(t *testing.T) {
	w := newWizard(t, nil)
	scenes["plan"](w)
	w.press("enter")
	deeper := firstPlan
	deeper.Steps = []provision.Step{{
		ID: provision.StepStop, Title: "stop the VM", Reason: "a step did not hold",
		Disruption: provision.DisruptionRestart,
	}}
	w.ends(running, provision.Plan{}, nil, &provision.Error{
		Kind: provision.KindDisruption, What: "more than was agreed to", Why: "it restarts the VM",
		Err: provision.DeeperError{Plan: deeper},
	})
	w.shows("more than you agreed to", "it restarts the VM", "stop the VM", "enter start")
	request := w.model.request(running)
	if request.Allow != provision.DisruptionRestart {
		t.Errorf("allowed %q", request.Allow)
	}
	if err := request.Approve(t.Context(), firstPlan); err != nil {
		t.Errorf("a plan that interrupts less is refused: %v", err)
	}
	w.press("r") // checks again, for another plan
	w.ends(planning, firstPlan, nil, nil)
	if allow := w.model.request(running).Allow; allow != "" {
		t.Errorf("%q is still allowed", allow)
	}
}

// If nothing is left to do by then, the world is verified.
func TestChangedToNothing(t *testing.T) {
	w := newWizard(t, nil)
	scenes["plan"](w)
	err := provision.AsError(w.model.request(running).Approve(t.Context(), provision.Plan{VM: "substrate"}))
	w.press("enter")
	_, next := w.model.Update(endedMsg{call: running, now: w.clock, err: err})
	if next == nil || w.model.facts.call != verifying {
		t.Fatalf("the engine was asked for %d; the screen:\n%s", w.model.facts.call, w.screen())
	}
	w.ends(verifying, provision.Plan{}, healthy(), nil)
	w.shows("Ready · verified just now")
}

// What will be deleted is shown for the current VM, also when the plan was made before another one took its place.
func TestLossesAreOfTheCurrentVM(t *testing.T) {
	w := newWizard(t, nil)
	scenes["plan-replace"](w)
	w.press("x")
	w.types("substrate")
	w.press("enter")
	now := *existingVM
	now.DiskUsed, now.Kept = 1<<30, "substrate.ws-old"
	health := healthy()
	health.Drift = provision.Plan{VM: "substrate", Existing: &now}
	health.Items = append(health.Items, provision.Item{Finding: provision.Finding{ID: "kept", Title: "kept VM",
		Outcome: provision.Info, Found: now.Kept}})
	w.ends(running, provision.Plan{}, health, nil)
	w.press("m", "D")
	removal, restoration := removalPlan, restorePlan
	removal.Existing, restoration.Existing = &now, &now
	w.previews(removal)
	w.shows("the kept VM substrate.ws-old", "1 GiB")
	w.press("esc", "m", "B")
	w.previews(restoration)
	w.shows("1 GiB")
}

// A backup without a VM in its place is offered.
func TestKeptVMWithoutAnother(t *testing.T) {
	w := newWizard(t, nil)
	scenes["backup"](w)
	w.shows("There is no VM called substrate. Its backup is complete", "enter restore it", "D remove")
}

// What is rolled back is not shown as kept.
func TestStoppingWhatIsRolledBack(t *testing.T) {
	for name, test := range map[string]struct{ key, words string }{
		"kept": {"B", "the VM gets its name back"}, "plan-replace": {"x", "the VM gets its name back"},
	} {
		w := newWizard(t, nil)
		scenes[name](w)
		if test.key == "B" {
			w.press("m")
		}
		w.press(test.key)
		if test.key == "B" {
			w.previews(restorePlan)
		}
		w.types("substrate")
		w.press("enter", "ctrl+c")
		w.shows(test.words)
		if strings.Contains(w.screen(), "stays as it is") {
			t.Errorf("%s:\n%s", name, w.screen())
		}
	}
	w := newWizard(t, nil)
	scenes["rolled-back"](w)
	w.shows("It was rolled back", "rename the old VM back", "r check again")
	if strings.Contains(w.screen(), "stays as it is") {
		t.Error(w.screen())
	}
}

// Removing goes on when it is asked for again, and not when a world is.
func TestStoppingARemoval(t *testing.T) {
	w := newWizard(t, nil)
	scenes["kept"](w)
	w.press("m", "D")
	w.previews(removalPlan)
	w.types("substrate")
	w.press("enter", "ctrl+c")
	w.shows("What is deleted by then stays deleted")
}

// What is refused is refused before a person types a name.
func TestPreviewRefused(t *testing.T) {
	w := newWizard(t, nil)
	scenes["kept"](w)
	w.press("m", "D")
	w.model.Update(endedMsg{call: planningRemoval, err: &provision.Error{What: "the VM substrate is protected",
		Next: "limactl unprotect substrate"}})
	w.shows("the VM substrate is protected", "limactl unprotect substrate", "m manage")
}

// On a small screen what will be deleted is read first, and the input comes into sight with the first letter.
func TestConsentOnASmallScreen(t *testing.T) {
	w := newWizard(t, nil)
	scenes["remove"](w)
	w.resize(40, 12)
	w.shows("Remove the world", "Deleted")
	w.types("s")
	w.shows("> s")
}

// A foreign VM is shown as one, with what an adoption would change, and is adopted when its name is typed.
func TestAdoptionNeedsTheName(t *testing.T) {
	w := newWizard(t, nil)
	w.ends(planning, foreignPlan, nil, nil)
	if w.model.request(planning).Adopt != "substrate" {
		t.Error("the plan of the adoption was not asked for")
	}
	w.ends(planning, adoptPlan, nil, nil)
	w.shows("The VM substrate is not a world", "no mark of worldsetup", "! changed:", "t take it over")
	if strings.Contains(w.screen(), "remove") || strings.Contains(w.screen(), "enter start") {
		t.Errorf("more is offered:\n%s", w.screen())
	}
	w.press("enter", "y", "t")
	w.shows("Take over the VM substrate?", "type the VM's name")
	w.types("docker")
	w.press("enter")
	w.shows("docker is not the name of the VM", "Nothing has been changed")
	if w.model.facts.call != idle {
		t.Fatal("it began with a wrong name")
	}
	w.types("substrate")
	w.press("enter")
	if request := w.model.request(running); w.model.facts.call != running || request.Adopt != "substrate" ||
		request.Replace != "" || request.Approve(t.Context(), foreignPlan) == nil {
		t.Errorf("the request is %+v", request)
	}

	w = newWizard(t, nil)
	scenes["plan-adopt"](w)
	w.press("q")
	if outcome := w.model.outcome; outcome == nil || outcome.Err == nil || !provision.IsForeign(outcome.Err) {
		t.Errorf("it was left with %+v", outcome)
	}
	w = newWizard(t, nil)
	scenes["plan-adopt"](w)
	w.press("r")
	if w.model.request(planning).Adopt != "" {
		t.Error("checking again is still about the adoption")
	}
}
