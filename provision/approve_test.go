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

// TestAgreedToNoDisruption: who agreed to remove leftovers, or to wait until a VM has booted, has not agreed to a
// restart of the VM that runs.
func TestAgreedToNoDisruption(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*testing.T, *bench)
		first   provision.StepID
	}{
		"leftovers": {func(t *testing.T, b *bench) {
			b.create(t, "substrate.ws-tmp", foreignProfile+"# worldsetup made this VM, in the run 1\n")
		}, provision.StepRollbackRemove},
		"booting": {func(_ *testing.T, b *bench) { b.VM("substrate").Unboot() }, provision.StepWaitForBoot},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.mustRun(t)
			b.spec.CPUs = 2
			run := func(allow provision.Disruption) (asked []provision.StepID, err error) {
				test.prepare(t, b)
				b.spec.Allow = allow
				setup := b.setup()
				setup.Approve = func(_ context.Context, plan provision.Plan) error {
					asked = append(asked, plan.Steps[0].ID)
					b.VM("substrate").Boot()
					return nil
				}
				_, err = setup.Run(t.Context())
				return asked, err
			}
			asked, err := run(provision.DisruptionLive)
			wantKind(t, err, provision.KindDisruption, "restarts the VM", "--allow=restart")
			if only := []provision.StepID{test.first}; !slices.Equal(b.steps(), only) || !slices.Equal(asked, only) {
				t.Errorf("it asked about %v and did %v", asked, b.steps())
			}
			if asked, err := run(""); err != nil || !slices.Equal(asked, []provision.StepID{test.first, provision.StepStop}) {
				t.Errorf("asked about %v: %v", asked, err)
			}
		})
	}
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

// TestDeeperThanAgreed: a person who agreed to a plan that interrupts nothing is not surprised by a restart.
func TestDeeperThanAgreed(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.keepClockWrong()
	setup := b.setup()
	asked := 0
	setup.Approve = func(context.Context, provision.Plan) error { asked++; return nil }
	_, err := setup.Run(t.Context())
	wantKind(t, err, provision.KindDisruption, "more than was agreed to", "restarts the VM", "had no lasting effect",
		"worldsetup --allow=restart")
	if steps := b.steps(); !slices.Equal(steps, []provision.StepID{provision.StepClock}) || asked != 1 {
		t.Errorf("the steps were %v, and it asked %d times", steps, asked)
	}

	deeper, ok := errors.AsType[provision.DeeperError](err)
	if !ok {
		t.Fatalf("%T holds no plan", err)
	}
	b.spec.Allow = deeper.Plan.Disruption()
	setup = b.setup()
	setup.Approve = deeper.Plan.ApproveUpTo
	_, err = setup.Run(t.Context())
	wantKind(t, err, provision.KindProvisioning, "had no lasting effect")
	if !slices.Contains(b.steps(), provision.StepStop) {
		t.Errorf("agreed to, and not restarted: %v", b.steps())
	}
}

// TestAllow: a limit holds from the first plan on, for all that runs already.
func TestAllow(t *testing.T) {
	b := newBench(t)
	b.spec.Allow = provision.DisruptionLive
	b.mustRun(t) // nothing runs in a new VM that could be interrupted
	b.spec.CPUs = 2
	wantKind(t, b.run(t), provision.KindDisruption, "restarts the VM", "processors", "--allow=restart")
	if len(b.steps()) > 0 {
		t.Errorf("the steps were %v", b.steps())
	}
	b.spec.Allow = provision.DisruptionRestart
	b.mustRun(t)
	b.stop(t)
	b.spec.Allow = provision.DisruptionLive
	b.mustRun(t) // nor in one that is stopped

	b.spec.Allow = "vm-explode"
	wantKind(t, b.run(t), provision.KindUsage, "vm-explode", "restart")
	b.spec.Allow = provision.DisruptionReplace
	wantKind(t, b.run(t), provision.KindUsage, "replace")
}

// TestAllowPowerOff: a VM that does not shut down is powered off only when that was agreed to.
func TestAllowPowerOff(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.spec.CPUs = 2
	b.runner = limactl(func(ctx context.Context, command lima.Command) (lima.Result, error) {
		if slices.Contains(command.Args, "stop") && !slices.Contains(command.Args, "--force") {
			return lima.Result{}, errors.New("a service does not stop")
		}
		return b.World.Run(ctx, command)
	})
	wantKind(t, b.run(t), provision.KindDisruption, "did not shut down", "a service does not stop", "--allow=force")
	b.spec.Allow = provision.DisruptionForce
	b.mustRun(t)
}

// TestApproveUpTo: consent to a level is none to more than that, to a deletion, or to another VM.
func TestApproveUpTo(t *testing.T) {
	restart := provision.Step{ID: provision.StepStop, Disruption: provision.DisruptionRestart}
	force := provision.Step{ID: provision.StepStop, Disruption: provision.DisruptionForce}
	agreed := provision.Plan{VM: "a", Steps: []provision.Step{restart}}
	for name, test := range map[string]struct {
		plan provision.Plan
		want bool
	}{
		"less":        {provision.Plan{VM: "a", Steps: []provision.Step{{Disruption: provision.DisruptionUnit}}}, true},
		"the same":    {agreed, true},
		"more":        {provision.Plan{VM: "a", Steps: []provision.Step{force}}, false},
		"another VM":  {provision.Plan{VM: "b", Steps: []provision.Step{restart}}, false},
		"a deletion":  {provision.Plan{VM: "a", Steps: []provision.Step{{Destroys: true}}}, false},
		"replacement": {provision.Plan{VM: "a", Replace: []string{"its type"}}, false},
	} {
		if err := agreed.ApproveUpTo(t.Context(), test.plan); (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
