package tui

import (
	"errors"
	"slices"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// What cannot be had back is agreed to by typing its name, and by nothing else.
func TestReplacementNeedsTheName(t *testing.T) {
	w := newWizard(t, nil)
	w.ends(planning, replacePlan(nil), nil, nil)
	if w.model.request(planning).Replace != "substrate" {
		t.Error("the plan of the replacement was not asked for")
	}
	w.ends(planning, replacePlan(replaceSteps), nil, nil)
	w.shows("goes away:", "3.1 GiB", "kept:", "/home/ada/project", "x replace it")
	w.press("enter", "y", "x")
	w.shows("Replace the VM substrate?", "type the name")
	w.press("enter")
	w.types("Substrate")
	w.press("enter")
	w.shows("Substrate is not its name", "Nothing has been changed")
	if w.model.facts.doing != idle {
		t.Fatal("it began with a wrong name")
	}
	w.press("esc")
	w.shows("x replace it")
	w.press("x")
	w.model.Update(tea.PasteMsg{Content: " substrate\n"})
	w.press("enter")
	if w.model.facts.doing != running {
		t.Fatal("it did not begin")
	}
	if request := w.model.request(running); request.Replace != "substrate" || request.Approve(t.Context(), replacePlan(nil)) == nil {
		t.Errorf("the request is %+v", request)
	}
}

func TestReplaceInsteadOfRepair(t *testing.T) {
	w := newWizard(t, nil)
	scenes["plan-interrupts"](w)
	w.shows("x replace instead")
	w.press("x")
	if w.model.request(planning).Replace != "substrate" {
		t.Error("the plan of the replacement was not asked for")
	}
	w.ends(planning, replacePlan(replaceSteps), nil, nil)
	w.press("r")
	if w.model.request(planning).Replace != "" {
		t.Error("looking again is still about the replacement")
	}
}

// Between the question and the first change somebody else may have been at work.
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
	if err == nil || !errors.As(err.Err, &changedPlan{}) {
		t.Fatalf("%+v", err)
	}
	w.press("enter")
	w.ends(running, provision.Plan{}, nil, err)
	w.shows("has changed since you agreed", "it was stopped", "enter do it")
	if err := w.model.request(running).Approve(t.Context(), other); err != nil {
		t.Errorf("the new plan cannot be agreed to: %v", err)
	}
}
