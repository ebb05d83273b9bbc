package provision_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// closed is a way into a guest that refuses fresh connections, and knows why.
type closed struct {
	guest.Client
	refusals guest.Refusals
}

var errClosed = &guest.ConnectionError{Route: guest.Fresh, Detail: "Connection closed by 127.0.0.1"}

func (c closed) Enter(context.Context) error { return errClosed }

func (c closed) Verify(ctx context.Context, v guest.Verification) (*guest.Verified, error) {
	if v.Via == guest.Fresh {
		return nil, errClosed
	}
	return c.Client.Verify(ctx, v)
}

func (c closed) Refusals(context.Context, guest.Route, string, string) (guest.Refusals, error) {
	return c.refusals, nil
}

func (c closed) Renew(context.Context, []guest.Pair) error { return errClosed }

// closedSetup is a Setup of a world whose guest refuses fresh connections.
func (b *bench) closedSetup(refusals guest.Refusals) *provision.Setup {
	setup := b.setup()
	edges := setup.Edges
	setup.Edges = func(spec provision.Spec) provision.Edges {
		made := edges(spec)
		made.Guest = func(instance *limatype.Instance, of layout.Layout) guest.Client {
			return closed{b.Guest(instance, of), refusals}
		}
		return made
	}
	return setup
}

// TestTheLastWayInStays: what would end the open connection is not done while no other one is let in.
func TestTheLastWayInStays(t *testing.T) {
	expired := guest.Refusals{Causes: []string{"the account of ada has expired"}}
	setting := guest.Refusals{Setting: guest.SSHDSetting{Name: "AllowUsers", Value: "games"}}
	for name, test := range map[string]struct {
		fault   func(*fake.VM)
		causes  guest.Refusals
		options func(*provision.Spec)
		steps   []provision.StepID
		words   string
	}{
		"nothing else is wrong": {nil, expired, nil, []provision.StepID{provision.StepSSHAccess}, "has expired"},
		"the agent is removed": {
			func(vm *fake.VM) { vm.Remove(layout.AgentV1.Agent()) }, expired, nil,
			[]provision.StepID{provision.StepAgent, provision.StepActivate, provision.StepSSHAccess}, "has expired",
		},
		"the group is removed": {
			(*fake.VM).RemoveGroup, expired, nil,
			[]provision.StepID{provision.StepSSHAccess, provision.StepGroup}, "has expired",
		},
		"more processors are asked for": {
			nil, expired, func(spec *provision.Spec) { spec.CPUs = 8 },
			[]provision.StepID{provision.StepSSHAccess}, "has expired",
		},
		"sshd lets others in, and the group is removed": {(*fake.VM).RemoveGroup, setting, nil,
			nil, "AllowUsers games"},
		"sudo asks for a password": {
			(*fake.VM).RemoveSudoRule, guest.Refusals{}, nil, nil, "Connection closed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.mustRun(t)
			if test.fault != nil {
				test.fault(b.VM("substrate"))
			}
			if test.options != nil {
				test.options(&b.spec)
			}
			b.ForgetCalls()
			_, err := b.closedSetup(test.causes).Run(t.Context())
			wantKind(t, err, provision.KindUnhealthy, test.words, "don't stop the VM")
			if steps := b.steps(); !slices.Equal(steps, test.steps) {
				t.Errorf("the steps were %v, want %v", steps, test.steps)
			}
			if changes := b.changes(); strings.Contains(strings.Join(changes, " "), "stop") {
				t.Errorf("the VM was stopped: %v", changes)
			}
		})
	}
}
