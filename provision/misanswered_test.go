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
	if err == nil && slices.Contains(v.Who, guest.Root) {
		verified.Answers[guest.Root] = guest.Answer{Status: 200, Body: fmt.Sprintf("hello %d", b.times.Add(1))}
	}
	return verified, err
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
