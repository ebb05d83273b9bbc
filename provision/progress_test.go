package provision

import (
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
)

func TestProgress(t *testing.T) {
	begin := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	event := func(after time.Duration, step Step, number int, state StepState, phase string) Event {
		return Event{Type: EventStep, Time: begin.Add(after), Step: &StepStatus{
			Number: number, ID: step.ID, Usual: step.Usual, State: state, Phase: phase,
			Elapsed: map[StepState]time.Duration{StepDone: step.Usual}[state],
		}}
	}
	create, start := Step{ID: StepCreate, Usual: 10 * time.Second}, Step{ID: StepStart, Usual: 30 * time.Second}
	var p Progress
	if p.Percent(begin) != 0 || p.Current() != nil || p.RolledBack() || p.Fixable() != nil {
		t.Errorf("the start is %+v", p)
	}
	p.Add(Event{Type: EventCheck, Check: &CheckResult{Finding: Finding{ID: "qemu", Outcome: Pending}}})
	p.Add(Event{Type: EventCheck, Check: &CheckResult{Finding: Finding{ID: "qemu", Outcome: Failed},
		Fix: &checks.FixInfo{}}})
	if len(p.Checks) != 1 || len(p.Problems()) != 1 || p.Fixable() == nil {
		t.Errorf("the checks are %+v", p.Checks)
	}
	p.Add(Event{Type: EventPlan, Plan: &Plan{Total: 45 * time.Second, Steps: []Step{create, start,
		{ID: StepPackages, Conditional: true}}}})
	p.Add(event(0, create, 1, StepRunning, ""))
	p.Add(event(10*time.Second, create, 1, StepDone, ""))
	if now := begin.Add(10 * time.Second); p.Current() != nil || p.Percent(now) != 21 {
		t.Errorf("after the first of two steps: %d %%, %+v", p.Percent(now), p.Current())
	}
	p.Add(event(10*time.Second, start, 2, StepRunning, "driver"))
	p.Add(event(15*time.Second, start, 2, StepRunning, "driver"))
	p.Add(event(16*time.Second, start, 2, StepRunning, "kernel"))
	step := p.Current()
	if step == nil || len(step.Phases) != 2 || !step.Phases[1].Began.Equal(begin.Add(16*time.Second)) ||
		p.Count(StepPending) != 1 {
		t.Fatalf("the step is %+v in %+v", step, p.Steps)
	}
	if now := begin.Add(20 * time.Second); p.Percent(now) != 43 || p.Left(now) != 25*time.Second {
		t.Errorf("in the middle: %d %%, %v are left", p.Percent(now), p.Left(now))
	}
	if now := begin.Add(time.Hour); p.Percent(now) >= 100 || p.Left(now) <= 0 {
		t.Errorf("a step that takes too long is done: %d %%, %v are left", p.Percent(now), p.Left(now))
	}
	p.Add(event(40*time.Second, start, 2, StepDone, ""))
	p.Add(Event{Type: EventPlan, Plan: &Plan{Steps: []Step{{ID: StepConnection, Number: 4, Added: true}}}})
	p.Add(event(41*time.Second, Step{ID: StepPackages}, 3, StepSkipped, ""))
	p.Add(event(41*time.Second, Step{ID: StepConnection}, 4, StepRunning, ""))
	p.Add(event(42*time.Second, Step{ID: StepConnection}, 4, StepDone, ""))
	if now := begin.Add(time.Hour); len(p.Steps) != 4 || p.Count(StepSkipped) != 1 || p.Percent(now) >= 100 {
		t.Errorf("after all steps, before the verification: %d %%, %+v", p.Percent(now), p.Steps)
	}
	p.Add(Event{Type: EventFinished, Result: &Result{Ready: true}})
	if now := begin.Add(43 * time.Second); p.Percent(now) != 100 || p.Left(now) != 0 {
		t.Errorf("at the end: %d %%, %v are left", p.Percent(now), p.Left(now))
	}
}

func TestRolledBack(t *testing.T) {
	status := func(id StepID, state StepState) StepProgress {
		return StepProgress{StepStatus: StepStatus{ID: id,
			State: state}}
	}
	for name, test := range map[string]struct {
		steps []StepProgress
		want  bool
	}{
		"placed": {[]StepProgress{status(StepStart, StepFailed), status(StepRollbackPlace, StepDone)}, true},
		"placed, started": {
			[]StepProgress{status(StepRollbackPlace, StepDone), status(StepRollbackStart, StepDone)}, true,
		},
		"not placed": {[]StepProgress{status(StepRollbackDisplace, StepDone)}, false},
		"never swapped": {
			[]StepProgress{status(StepReplaceCreate, StepFailed), status(StepRollbackRemove, StepDone)}, true,
		},
		"failed": {
			[]StepProgress{status(StepRollbackPlace, StepDone), status(StepRollbackStart, StepFailed)}, false,
		},
		"went on after it": {[]StepProgress{status(StepRollbackPlace, StepDone), status(StepStart, StepDone)}, false},
	} {
		if p := (&Progress{Steps: test.steps}); p.RolledBack() != test.want {
			t.Errorf("%s: %v", name, !test.want)
		}
	}
}
