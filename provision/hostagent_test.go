package provision_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// TestHostAgentBeginsLate: limactl gives its host agent 5 s to begin. A run waits longer, and goes on with the boot.
func TestHostAgentBeginsLate(t *testing.T) {
	for _, existing := range []bool{false, true} {
		b := newBench(t)
		if existing {
			b.mustRun(t)
			b.stop(t)
		}
		late := make(chan struct{})
		b.Faults.Late = late
		setup := b.setup()
		events := setup.Events
		setup.Events = func(event provision.Event) {
			events(event)
			if strings.Contains(event.Message, "limactl did not wait for its host agent") {
				close(late)
			}
		}
		if health, err := setup.Run(t.Context()); err != nil || !health.Ready {
			t.Errorf("an existing VM: %v: %v, %+v", existing, err, health.Wrong())
		}
		if steps := b.steps(); !slices.Contains(steps, provision.StepStart) {
			t.Errorf("the steps were %v", steps)
		}
	}
}

// TestDegradedStart: a guest agent of Lima's that is silent for a minute makes `limactl start` fail. The world is
// verified all the same, and the report says what may be missing, until the next boot.
func TestDegradedStart(t *testing.T) {
	const silent = "guest agent does not seem to be running; port forwards will not work"
	line := func(health provision.Health) (found provision.Item) {
		for _, item := range health.Items {
			if item.ID == "lima-boot" {
				found = item
			}
		}
		return found
	}
	b := newBench(t)
	b.Faults.Degraded = silent
	health, err := b.setup().Run(t.Context())
	if err != nil || !health.Ready {
		t.Fatalf("%v, %+v", err, health.Wrong())
	}
	if item := line(health); item.Outcome != provision.Warning || !strings.Contains(item.Found, silent) ||
		!strings.Contains(item.Next, "worldsetup stop") {
		t.Errorf("the report says %+v", item)
	}
	if plan, err := b.setup().Plan(t.Context()); err != nil || !plan.Empty() {
		t.Errorf("a rerun plans %v, %v", plan.Steps, err)
	}
	b.stop(t)
	b.Faults.Degraded = ""
	b.mustRun(t)
	if health, err := b.setup().Status(t.Context()); err != nil || line(health).ID != "" {
		t.Errorf("after a whole boot: %v, %+v", err, line(health))
	}
}
