package provision_test

import (
	"context"
	"errors"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

func TestApprove(t *testing.T) {
	b := newBench(t)
	refused := errors.New("not today")
	setup := b.setup()
	setup.Approve = func(_ context.Context, plan provision.Plan) error {
		if len(plan.Steps) == 0 || plan.Steps[0].ID != provision.StepCreate {
			t.Errorf("asked about %+v", plan)
		}
		return refused
	}
	if _, err := setup.Run(t.Context()); !errors.Is(err, refused) || len(b.steps()) > 0 ||
		b.VM(provision.DefaultVM) != nil {
		t.Errorf("%v, and the steps were %v", err, b.steps())
	}
	asked := 0
	setup = b.setup()
	setup.Approve = func(context.Context, provision.Plan) error { asked++; return nil }
	for range 2 { // the second time there is nothing to approve of
		if _, err := setup.Run(t.Context()); err != nil || asked != 1 {
			t.Errorf("asked %d times: %v", asked, err)
		}
	}
}

// TestApproveTheMarkerAlone: the smallest change is one, too.
func TestApproveTheMarkerAlone(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.VM("substrate").Remove(guest.MarkerPath)
	setup := b.setup()
	setup.Approve = func(_ context.Context, plan provision.Plan) error {
		return &provision.Error{Kind: provision.KindInterrupted, What: "no", Next: "nothing"}
	}
	if _, err := setup.Run(t.Context()); err == nil || len(b.steps()) > 0 {
		t.Errorf("%v after the steps %v", err, b.steps())
	}
}

// TestApproveLeftovers: what a killed run left is not touched either, before someone agreed to that.
func TestApproveLeftovers(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.stop(t)
	if err := os.Rename(b.VMDir("substrate"), b.VMDir(oldVM)); err != nil {
		t.Fatal(err)
	}
	planned, err := b.setup().Plan(t.Context())
	if err != nil || len(planned.Steps) == 0 || planned.Steps[0].ID != provision.StepRollbackPlace {
		t.Fatalf("%+v, %v", planned, err)
	}
	refused, agrees := errors.New("not today"), false
	setup := b.setup()
	setup.Approve = func(_ context.Context, plan provision.Plan) error {
		if !reflect.DeepEqual(plan, planned) {
			t.Errorf("asked about\n%+v, where the plan was\n%+v", plan, planned)
		}
		if agrees {
			return nil
		}
		return refused
	}
	b.events = nil
	if _, err := setup.Run(t.Context()); !errors.Is(err, refused) || len(b.steps()) > 0 {
		t.Errorf("%v after the steps %v", err, b.steps())
	}
	b.only(t, oldVM)
	agrees = true
	if _, err := setup.Run(t.Context()); err != nil {
		t.Error(err)
	}
	b.only(t, "substrate")
}

// TestPhases: a start reports how far the VM has come, one phase after the other.
func TestPhases(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	var phases []string
	for _, event := range b.events {
		if event.Type == provision.EventProgress && (len(phases) == 0 || phases[len(phases)-1] != event.Step.Phase) {
			phases = append(phases, event.Step.Phase)
		}
	}
	var last lima.Phase
	for _, name := range phases {
		if phase := lima.Phase(name); !phase.After(last) {
			t.Errorf("%q comes after %q", phase, last)
		} else {
			last = phase
		}
	}
	for _, want := range []lima.Phase{lima.PhaseDriver, lima.PhaseUp, lima.PhaseSSH} {
		if !slices.Contains(phases, string(want)) {
			t.Errorf("no %q in %q", want, phases)
		}
	}
}
