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

// TestChainIsGivenUp: each step of a chain has its own deadline, and the one that is late is the one that fails.
func TestChainIsGivenUp(t *testing.T) {
	r := &run{
		edges: Edges{Guest: func(*limatype.Instance) guest.Transport { return stuck{} }},
		rest:  []Step{step(StepGroup), step(StepDirectories), step(StepSettle), step(StepLinger)},
	}
	state := State{Guest: &guest.Observation{User: "sam", Home: "/home/sam"}}
	r.chainUp(t.Context(), state)
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
