package provision

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// stuck is a guest in which one script ends and the next one never does.
type stuck struct{ guest.Transport }

func (stuck) Chain(ctx context.Context, _ []guest.Request, ended func()) error {
	ended()
	<-ctx.Done()
	return &guest.ConnectionError{Route: guest.Shared, Err: context.Cause(ctx)}
}

func (stuck) Exec(ctx context.Context, _ guest.Request) (guest.Reply, error) {
	<-ctx.Done()
	return guest.Reply{}, &guest.ConnectionError{Route: guest.Shared, Err: context.Cause(ctx)}
}

// TestTaskThatCannotBeMade: it fails its own step, and none before it.
func TestTaskThatCannotBeMade(t *testing.T) {
	o := &guest.Observation{User: "sam", Home: "/home/a b"} // which a unit could not hold
	var w tasks
	for _, test := range []struct {
		rest  []Step
		tasks int
	}{{[]Step{newStep(StepGroup), newStep(StepUnits)}, 1}, {[]Step{newStep(StepUnits)}, 0}} {
		w.rest = test.rest
		err := w.begin(t.Context(), target{}, session{guest.Over(stuck{}, layout.AgentV1), guest.Shared}, o)
		tasks := 0
		if w.chain != nil {
			tasks = len(w.chain.deadlines)
		}
		if tasks != test.tasks || (err != nil) != (tasks == 0) {
			t.Errorf("%d tasks, %v, want %d", tasks, err, test.tasks)
		}
		w.end()
	}
}

// TestChainIsGivenUp: each step of a chain has its own deadline, and the one that is late is the one that fails.
func TestChainIsGivenUp(t *testing.T) {
	w := tasks{rest: []Step{newStep(StepGroup), newStep(StepDirectories),
		newStep(StepWaitForBoot), newStep(StepLinger)}}
	o := &guest.Observation{User: "sam", Home: "/home/sam"}
	if err := w.begin(t.Context(), target{}, session{guest.Over(stuck{}, layout.AgentV1), guest.Shared}, o); err != nil {
		t.Fatal(err)
	}
	if w.chain == nil || len(w.chain.deadlines) != 2 {
		t.Fatalf("the chain is %+v, want one of the two tasks before the end of booting", w.chain)
	}
	w.chain.deadlines[1] = time.Millisecond
	if err := w.chain.awaitNext(); err != nil {
		t.Errorf("the first task: %v", err)
	}
	if err := w.chain.awaitNext(); err == nil || !strings.Contains(err.Error(), "no end within 1ms") {
		t.Errorf("the second task: %v", err)
	}
	w.end()
}
