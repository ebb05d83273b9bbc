package provision_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// watch starts a watch and returns what it reports, and its end.
func (b *bench) watch(t *testing.T, ctx context.Context) (reports chan provision.Health, ended chan error) {
	t.Helper()
	return b.watchAs(t, ctx, false)
}

// watchAs is watch with [provision.Setup.Reuse].
func (b *bench) watchAs(
	t *testing.T, ctx context.Context, reuse bool,
) (reports chan provision.Health, ended chan error) {
	t.Helper()
	reports, ended = make(chan provision.Health, 64), make(chan error, 1)
	setup := b.setup()
	setup.Events, setup.Reuse = nil, reuse
	go func() { ended <- setup.Watch(ctx, func(health provision.Health) { reports <- health }) }()
	return reports, ended
}

// until reads reports up to the first that is as wanted.
func until(t *testing.T, reports chan provision.Health, wanted func(provision.Health) bool) provision.Health {
	t.Helper()
	for {
		select {
		case health := <-reports:
			if wanted(health) {
				return health
			}
		case <-t.Context().Done():
			t.Fatal("the watch did not emit of it")
		}
	}
}

func ready(health provision.Health) bool { return health.Ready }

func wrong(id string) func(provision.Health) bool {
	return func(health provision.Health) bool {
		return slices.ContainsFunc(health.Items,
			func(item provision.Item) bool { return item.ID == id && item.Outcome == provision.Failed })
	}
}

func TestWatchReportsEveryChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustRun(t)
	ctx, cancel := context.WithCancel(t.Context())
	reports, ended := b.watch(t, ctx)
	until(t, reports, ready)
	vm := b.VM("substrate")
	for _, c := range []struct {
		item   string
		damage func()
	}{
		{"socket", func() { vm.Chmod(guest.SocketPath, 0o666) }},
		{"linger", func() { vm.SetLinger(false) }},
		{"host-socket", vm.CloseForwards},
		{"instance", vm.KillDriver},
	} {
		c.damage()
		until(t, reports, wrong(c.item))
		if _, err := b.setup().Run(t.Context()); err != nil {
			t.Fatalf("%s: %v", c.item, err)
		}
		until(t, reports, ready)
	}
	cancel()
	wantKind(t, <-ended, provision.KindInterrupted)
}

// TestWatchReuses: a watch that reuses connections makes no login for a healthy world, and leaves out nothing of what
// is wrong.
func TestWatchReuses(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.ForgetCalls()
	reports, ended := b.watchAs(t, ctx, true)
	health := until(t, reports, ready)
	if of := outcomes(health); of[provision.WhoUser] != provision.Omitted || of[provision.WhoRoot] != provision.OK {
		t.Errorf("a healthy world: the access %v", of)
	}
	if have := b.verbs(); slices.Contains(have, "verify fresh") || slices.Contains(have, "verify shell") {
		t.Errorf("a healthy world: it called %q", have)
	}
	b.VM("substrate").Chmod(guest.SocketPath, 0o666)
	for who, outcome := range outcomes(until(t, reports, wrong("socket"))) {
		if outcome == provision.Omitted {
			t.Errorf("%s was left out of what is wrong", who)
		}
	}
	cancel()
	<-ended
}

// A VM that comes into being is watched from then on.
func TestWatchBeginsWithNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	reports, ended := b.watch(t, ctx)
	until(t, reports, func(health provision.Health) bool { return health.Instance == "absent" })
	b.mustRun(t)
	until(t, reports, ready)
	cancel()
	wantKind(t, <-ended, provision.KindInterrupted)
}

// A world that does not change is observed twice, before and after the watcher was sent: the rest is the watcher's.
func TestWatchingCostsTwoObservations(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.ForgetCalls()
	reports, ended := b.watch(t, ctx)
	until(t, reports, ready)
	cancel()
	<-ended
	observations := 0
	for _, call := range b.Calls() {
		if call.Does == "observe" {
			observations++
		}
		if call.Changes() {
			t.Errorf("%+v changes something", call)
		}
	}
	if observations < 1 || observations > 2 {
		t.Errorf("it observed %d times", observations)
	}
}

// The observation after the watcher was sent is for what may have been missed before, and no news. Observations are
// slow here.
func TestTheWatchersBeginningIsNoChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustRun(t)
	vm, observations := b.VM("substrate"), 0
	b.Delay = func(what string) {
		if what != "observe" {
			return
		}
		time.Sleep(1200 * time.Millisecond)
		if observations++; observations == 2 {
			vm.Chmod(guest.SocketPath, 0o666) // which this observation sees
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	reports, ended := b.watch(t, ctx)
	until(t, reports, ready)
	until(t, reports, func(health provision.Health) bool {
		if health.Items[0].ID == provision.ItemObserving {
			t.Error("it reported a change before there was one")
		}
		return wrong("socket")(health)
	})
	cancel()
	<-ended
}

// A report of an incomplete world would be neither true nor of use.
func TestStatusWhileARunIsAtWork(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.VM("substrate").Chmod(guest.SocketPath, 0o666)
	var during error
	var planned error
	b.BeforeGuest = func(name string) error {
		if name == "Activate" {
			_, during = b.second().Status(t.Context())
			_, planned = b.second().Plan(t.Context())
		}
		return nil
	}
	b.mustRun(t)
	wantKind(t, during, provision.KindBusy, "provisioning in progress", "process ", "since ", " ago)",
		"start the agent and wait for its answer")
	wantKind(t, planned, provision.KindBusy, "provisioning in progress")
	if _, err := b.second().Status(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Readers observe whether a run is at work; none of them may turn one away.
func TestReadersTurnNoRunAway(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	ctx, cancel := context.WithCancel(t.Context())
	reports, ended := b.watch(t, ctx)
	until(t, reports, ready)
	for range 20 {
		if _, err := b.second().Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-ended
}

// A start that someone else began is waited for, and its VM is not taken for one that hangs.
func TestABootOfAnotherProgramIsWaitedFor(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	vm := b.VM("substrate")
	vm.Unboot()
	plan, err := b.second().Plan(t.Context())
	if err != nil || len(plan.Steps) != 1 || plan.Steps[0].ID != provision.StepWaitForBoot {
		t.Errorf("while it boots: %+v, %v", plan, err)
	}
	b.Delay = func(what string) {
		if what == "observe" {
			vm.Boot()
		}
	}
	b.mustRun(t)
	if slices.Contains(b.steps(), provision.StepStop) {
		t.Errorf("the steps were %v", b.steps())
	}
}

// keepClockWrong sets the guest's clock wrong again whenever it was set.
func (b *bench) keepClockWrong() {
	vm := b.VM("substrate")
	wrong := func() { vm.Change(func(c *fake.Conditions) { c.ClockAhead = time.Hour }) }
	wrong()
	b.BeforeGuest = func(name string) error {
		if name == "observe" {
			wrong()
		}
		return nil
	}
}

// What neither a connection nor a unit repairs, a restart may; then it is over.
func TestAStepThatDoesNotHoldIsFollowedByARestartOnce(t *testing.T) {
	b := newBench(t)
	b.spec.Allow = provision.DisruptionRestart
	b.mustRun(t)
	b.keepClockWrong()
	err := b.run(t)
	wantKind(t, err, provision.KindProvisioning, "set the guest's clock", "had no lasting effect")
	if steps := b.steps(); !slices.Contains(steps, provision.StepStop) || !slices.Contains(steps, provision.StepClock) {
		t.Errorf("the steps were %v", steps)
	}
}
