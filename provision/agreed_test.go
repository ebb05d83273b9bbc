package provision_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// checkList checks what holds for the events of every run: what was planned first is what is carried out, in that order
// and with those numbers; what is left out or comes on top is marked, with the reason; and all of it is done before the
// progress is complete.
func checkList(t *testing.T, events []provision.Event) {
	t.Helper()
	for i := range events {
		if last := events[len(events)-1-i:]; last[0].Type == provision.EventStarted { // a Setup may be run again
			events = last
			break
		}
	}
	var progress provision.Progress
	ids, added := map[int]provision.StepID{}, map[int]bool{}
	states := map[int]provision.StepState{}
	planned, last := false, 0
	same := func(number int, id provision.StepID, isAdded bool, reason string) {
		if _, known := ids[number]; !known {
			if number != len(ids)+1 || planned != isAdded || isAdded && reason == "" {
				t.Errorf("step %d (%s, added: %v, %q) comes after %d", number, id, isAdded, reason, len(ids))
			}
			ids[number], added[number] = id, isAdded
		}
		if ids[number] != id || added[number] != isAdded {
			t.Errorf("step %d was %s (added: %v) and is %s (added: %v)", number, ids[number], added[number], id, isAdded)
		}
	}
	for _, event := range events {
		if percent := progress.Percent(event.Time); percent >= 100 {
			t.Errorf("it was at %d %% before the event %+v", percent, event)
		}
		progress.Add(event)
		switch event.Type {
		case provision.EventPlan:
			for _, step := range event.Plan.Steps {
				if same(step.Number, step.ID, step.Added, step.Reason); states[step.Number] != "" {
					t.Errorf("%s is planned again as step %d", step.ID, step.Number)
				}
			}
			planned = true
		case provision.EventStep:
			step := event.Step
			same(step.Number, step.ID, step.Added, step.Reason)
			before := states[step.Number]
			states[step.Number] = step.State
			switch {
			case step.Of < len(ids):
				t.Errorf("step %d of %d, there are %d", step.Number, step.Of, len(ids))
			case step.State == provision.StepSkipped && (before != "" || step.Reason == ""),
				step.State == provision.StepRunning && before != "":
				t.Errorf("step %d is %s after %q, %q", step.Number, step.State, before, step.Reason)
			case step.State == provision.StepRunning && !step.Added && step.Number < last:
				t.Errorf("step %d comes after step %d", step.Number, last)
			case step.State == provision.StepRunning && !step.Added:
				last = step.Number
			}
		}
	}
	result := events[len(events)-1].Result
	if result == nil || result.Error != nil {
		return
	}
	for number, id := range ids {
		if state := states[number]; state != provision.StepDone && state != provision.StepSkipped {
			t.Errorf("at the end step %d, %s, is %q", number, id, state)
		}
	}
	if now := events[len(events)-1].Time; progress.Percent(now) != 100 || progress.Left(now) != 0 {
		t.Errorf("at the end it is at %d %%, and %v are left", progress.Percent(now), progress.Left(now))
	}
}

// TestListOfRun: a first setup ticks off what was agreed to. (Every other run of these tests is checked as well.)
func TestListOfRun(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	begun := 0
	for _, event := range b.events {
		if event.Type == provision.EventStep && event.Step.Added {
			t.Errorf("%s was added: %s", event.Step.ID, event.Step.Reason)
		}
		if event.Type == provision.EventStep && event.Step.State == provision.StepRunning {
			if begun++; event.Step.Left <= 0 || event.Step.Left > time.Hour {
				t.Errorf("at the begin of %s %v are left", event.Step.ID, event.Step.Left)
			}
		}
	}
	if begun == 0 {
		t.Error("nothing was done")
	}
}

// TestRunsAreRecorded: a run records how long its whole steps took, the next plan counts on that, and a file that can't
// be read or written ends no run.
func TestRunsAreRecorded(t *testing.T) {
	b := newBench(t)
	path := filepath.Join(b.spec.StateDir, "durations.json")
	b.Faults.Fail = map[string]string{"start": "no"}
	if b.run(t) == nil {
		t.Fatal("it started")
	}
	if text, err := os.ReadFile(path); err != nil || !strings.Contains(string(text), "/new/vm-create") ||
		strings.Contains(string(text), "vm-start") || strings.Contains(string(text), "between") {
		t.Errorf("after a start that failed: %s, %v", text, err)
	}
	b.Faults.Fail = nil
	b.mustRun(t)
	b.VM("substrate").Remove(guest.MarkerPath)
	b.mustRun(t)
	text, err := os.ReadFile(path)
	for _, words := range []string{"/restart/vm-start", "/restart/between", "/live/marker", "/live/between"} {
		if err != nil || !strings.Contains(string(text), words) {
			t.Errorf("%q is not in %s, %v", words, text, err)
		}
	}
	b.VM("substrate").Remove(guest.MarkerPath)
	plan, err := b.setup().Plan(t.Context())
	if err != nil || plan.Total <= 0 || plan.Total >= time.Second || plan.Steps[0].Number != 1 {
		t.Errorf("the next plan is %+v, %v", plan, err)
	}
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t)
}
