package provision_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// closed is a way into a guest that refuses fresh connections, and knows why.
type closed struct {
	guest.Transport
	causes string
}

func (c closed) Exec(ctx context.Context, request guest.Request) (guest.Reply, error) {
	switch {
	case request.Script == embed.Refused:
		return guest.Reply{Stdout: []byte(c.causes)}, nil
	case request.Route == guest.Fresh:
		return guest.Reply{}, &guest.ConnectionError{Route: guest.Fresh, Detail: "Connection closed by 127.0.0.1"}
	}
	return c.Transport.Exec(ctx, request)
}

func (c closed) Renew(context.Context, []guest.Pair) error {
	return &guest.ConnectionError{Route: guest.Fresh, Detail: "Connection closed by 127.0.0.1"}
}

// closedSetup is a Setup of a world whose guest refuses fresh connections.
func (b *bench) closedSetup(causes string) *provision.Setup {
	setup := b.setup()
	edges := setup.Edges
	setup.Edges = func(spec provision.Spec) provision.Edges {
		made := edges(spec)
		made.Guest = func(instance *limatype.Instance) guest.Client {
			return guest.Over(closed{b.Transport(instance), causes})
		}
		return made
	}
	return setup
}

// TestTheLastWayInStays: what would end the open connection is not done while no other one is let in.
func TestTheLastWayInStays(t *testing.T) {
	const expired, setting = "the account of ada has expired", "setting=AllowUsers games"
	for name, test := range map[string]struct {
		fault, causes string
		options       func(*provision.Spec)
		steps         []provision.StepID
		words         string
	}{
		"nothing else is wrong": {"", expired, nil, []provision.StepID{provision.StepEntry}, "has expired"},
		"the agent is removed": {
			"rm -f " + guest.AgentPath, expired, nil,
			[]provision.StepID{provision.StepAgent, provision.StepActivate, provision.StepEntry}, "has expired",
		},
		"the group is removed": {
			"groupdel substrate", expired, nil,
			[]provision.StepID{provision.StepEntry, provision.StepGroup}, "has expired",
		},
		"more processors are asked for": {
			"", expired, func(spec *provision.Spec) { spec.CPUs = 8 }, []provision.StepID{provision.StepEntry}, "has expired",
		},
		"sshd lets others in, and the group is removed": {"groupdel substrate", setting, nil, nil, "AllowUsers games"},
		"sudo asks for a password": {
			"rm -f /etc/sudoers.d/90-cloud-init-users", "", nil, nil, "Connection closed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.mustRun(t)
			if test.fault != "" {
				if err := b.VM("substrate").Root(test.fault); err != nil {
					t.Fatal(err)
				}
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
