package provision_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// babbling is a guest whose agent answers with something else each time.
type babbling struct {
	guest.Client
	times *atomic.Int32
}

func (b babbling) Verify(ctx context.Context, v guest.Verification) (*guest.Verified, error) {
	verified, err := b.Client.Verify(ctx, v)
	if err == nil {
		b.babble(verified.Answers)
	}
	return verified, err
}

func (b babbling) Observe(ctx context.Context, via guest.Route, options guest.ObserveOptions) (*guest.Observation,
	error) {
	o, err := b.Client.Observe(ctx, via, options)
	if err == nil {
		b.babble(o.Answers)
	}
	return o, err
}

// babble replaces what root got.
func (b babbling) babble(answers map[string]guest.Answer) {
	if _, asked := answers[guest.Root]; asked {
		answers[guest.Root] = guest.Answer{Status: 200, Body: fmt.Sprintf("hello %d", b.times.Add(1))}
	}
}

// TestAnAgentOfSomethingElse: it is started again once, and then the failure names it; no VM is restarted for it.
func TestAnAgentOfSomethingElse(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.ForgetCalls()
	setup := b.setup()
	edges, times := setup.Edges, new(atomic.Int32)
	setup.Edges = func(spec provision.Spec) provision.Edges {
		made := edges(spec)
		made.Guest = func(instance *limatype.Instance, of layout.Layout) guest.Client {
			return babbling{b.Guest(instance, of), times}
		}
		return made
	}
	_, err := setup.Run(t.Context())
	wantKind(t, err, provision.KindProvisioning, layout.AgentV1.Agent(), "hello", "--agent FILE")
	if steps := b.steps(); !slices.Equal(steps, []provision.StepID{provision.StepActivate}) {
		t.Errorf("the steps were %v", steps)
	}
}
