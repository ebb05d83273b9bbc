package scenario

import (
	"errors"
	"fmt"
	"slices"

	"github.com/atomize-hq/worldsetup/provision"
)

// Play plays s in w and says what went otherwise than it should.
// The rules are: what a report says before is true; the steps are exactly those that are wanted; what ends ready stays
// ready and has nothing more to do; and what fails fails for the reason that is wanted, and can be cured afterwards.
func Play(w World, s Scenario) error {
	if start := w.Run(usual); start.Err != nil {
		return fmt.Errorf("the world could not be brought into its usual state: %w", start.Err)
	}
	for _, fault := range s.Faults {
		if err := w.Break(fault); err != nil {
			return fmt.Errorf("the damage could not be done: %w", err)
		}
	}
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	harmless := len(s.Want) == 0 && s.Kind == ""
	if before := w.Status(s.Options); before.Health.Ready != harmless || (before.Err == nil) != harmless || len(before.Steps) > 0 {
		wrong("before: ready is %v, the error %v, the steps %v", before.Health.Ready, before.Err, before.Steps)
	}
	run := w.Run(s.Options)
	if have := without(run.Steps, s.May); !slices.Equal(have, s.Want) {
		wrong("the steps were %v, want %v; the plans %v", have, s.Want, run.Plans)
	}
	again := s.Options
	again.Replace = false
	switch {
	case s.Kind == "":
		errs = append(errs, ready("run", run), idle("second run", w.Run(again)))
	case run.Err == nil || run.Err.Kind != s.Kind:
		wrong("the error was %v, want one of kind %q", run.Err, s.Kind)
	case run.Err.What == "" || run.Err.Next == "":
		wrong("the error says too little: %+v", run.Err)
	case run.Health.Ready:
		wrong("it failed and is called ready")
	}
	if s.Kind != "" {
		errs = append(errs, cure(w, s))
	}
	return errors.Join(errs...)
}

// cure undoes what a run does not cure, and brings the world back.
func cure(w World, s Scenario) error {
	for _, fault := range s.Faults {
		if fault.Undo == "" {
			continue
		}
		if err := w.Break(Fault{Guest: fault.Undo}); err != nil {
			return fmt.Errorf("the damage could not be undone: %w", err)
		}
	}
	if s.SimulationOnly != "" {
		return nil // nobody else has to live in that world
	}
	return ready("run after the damage was undone", w.Run(usual))
}

// ready wants an outcome to be of a world that is ready.
func ready(what string, o Outcome) error {
	if o.Err != nil || !o.Health.Ready {
		return fmt.Errorf("%s: ready is %v, the error %v", what, o.Health.Ready, explain(o.Err))
	}
	if !o.Health.Drift.Empty() {
		return fmt.Errorf("%s: it is ready and would still change %v", what, ids(o.Health.Drift))
	}
	return nil
}

// idle wants an outcome to be of a world that was ready already.
func idle(what string, o Outcome) error {
	if len(o.Steps) > 0 || len(o.Plans) != 1 || len(o.Plans[0]) > 0 {
		return fmt.Errorf("%s: it has the steps %v and the plans %v, where one empty plan was due", what, o.Steps, o.Plans)
	}
	return ready(what, o)
}

func explain(failure *provision.Error) string {
	if failure == nil {
		return "none"
	}
	return fmt.Sprintf("%s: %s (%s)", failure.Kind, failure.What, failure.Why)
}

// without is steps without those that may or may not have come.
func without(steps, may []provision.StepID) []provision.StepID {
	kept := []provision.StepID{}
	for _, id := range steps {
		if id != provision.StepSettle && !slices.Contains(may, id) {
			kept = append(kept, id)
		}
	}
	return kept
}
