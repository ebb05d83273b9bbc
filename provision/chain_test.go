package provision

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// stuck is a guest in which one script ends and the next one never does.
type stuck struct{ guest.Transport }

func (stuck) Chain(ctx context.Context, _ []guest.Request, ended func()) error {
	ended()
	<-ctx.Done()
	return &guest.ConnectionError{Route: guest.Shared, Err: context.Cause(ctx)}
}

// TestTaskThatCannotBeMade: it fails its own step, and none before it.
func TestTaskThatCannotBeMade(t *testing.T) {
	state := State{Guest: &guest.Observation{User: "sam", Home: "/home/a b"}} // which a unit could not hold
	r := &run{edges: Edges{Guest: func(*limatype.Instance) guest.Transport { return stuck{} }}}
	for _, test := range []struct {
		rest  []Step
		tasks int
	}{{[]Step{newStep(StepGroup), newStep(StepUnits)}, 1}, {[]Step{newStep(StepUnits)}, 0}} {
		r.rest = test.rest
		err := r.chainUp(t.Context(), state)
		tasks := 0
		if r.chain != nil {
			tasks = len(r.chain.deadlines)
		}
		if tasks != test.tasks || (err != nil) != (tasks == 0) {
			t.Errorf("%d tasks, %v, want %d", tasks, err, test.tasks)
		}
		r.unchain()
	}
}

// TestChainIsGivenUp: each step of a chain has its own deadline, and the one that is late is the one that fails.
func TestChainIsGivenUp(t *testing.T) {
	r := &run{
		edges: Edges{Guest: func(*limatype.Instance) guest.Transport { return stuck{} }},
		rest:  []Step{newStep(StepGroup), newStep(StepDirectories), newStep(StepSettle), newStep(StepLinger)},
	}
	state := State{Guest: &guest.Observation{User: "sam", Home: "/home/sam"}}
	if err := r.chainUp(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	if r.chain == nil || len(r.chain.deadlines) != 2 {
		t.Fatalf("the chain is %+v, want one of the two tasks before the end of booting", r.chain)
	}
	r.chain.deadlines[1] = time.Millisecond
	if err := r.chain.next(); err != nil {
		t.Errorf("the first task: %v", err)
	}
	if err := r.chain.next(); err == nil || !strings.Contains(err.Error(), "no end within 1ms") {
		t.Errorf("the second task: %v", err)
	}
	r.unchain()
}
