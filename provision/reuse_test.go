package provision_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// verbs are the calls that a world received, in alphabetical order since some are made side by side.
func (b *bench) verbs() (verbs []string) {
	for _, call := range b.Calls() {
		verb := call.Verb()
		if call.Args == nil {
			verb += " " + string(call.Via)
		}
		verbs = append(verbs, verb)
	}
	slices.Sort(verbs)
	return verbs
}

// TestNothingIsAskedTwice: a run or a status on a healthy world asks everyone once.
func TestNothingIsAskedTwice(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	reuse := func() error {
		setup := b.setup()
		setup.Reuse = true
		_, err := setup.Status(t.Context())
		return err
	}
	for _, c := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"run", func() error { return b.run(t) },
			[]string{"list", "observe shared", "verify fresh", "verify shell", "version"}},
		{"status", func() error { _, err := b.setup().Status(t.Context()); return err },
			[]string{"list", "observe shared", "verify fresh", "verify shell"}},
		{"status that reuses connections", reuse, []string{"list", "observe shared"}},
		{"quick status", func() error { _, err := b.setup().Quick(t.Context()); return err }, nil},
	} {
		b.ForgetCalls()
		if err := c.do(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if have := b.verbs(); !slices.Equal(have, c.want) {
			t.Errorf("%s: it called %q, want %q", c.name, have, c.want)
		}
	}
}

// outcomes are those of the access in a report, by who.
func outcomes(health provision.Health) map[provision.Who]provision.Outcome {
	of := map[provision.Who]provision.Outcome{}
	for _, access := range health.Access {
		of[access.ID] = access.Outcome
	}
	return of
}

// TestReuse: a status that reuses connections reports what it has left out, which is what only a new login shows; when
// anything else is wrong it leaves nothing out.
func TestReuse(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	status := func(reuse bool) (provision.Health, error) {
		setup := b.setup()
		setup.Reuse = reuse
		return setup.Status(t.Context())
	}
	health, err := status(true)
	of := outcomes(health)
	if err != nil || !health.Ready || len(of) != 6 || health.Agent.Version == "" {
		t.Errorf("a healthy world: %v, ready is %v, the access %v", err, health.Ready, of)
	}
	for who, outcome := range of {
		left := who == provision.WhoUser || who == provision.WhoClient
		if left != (outcome == provision.Omitted) || !left && outcome != provision.OK {
			t.Errorf("a healthy world: %s is %s", who, outcome)
		}
	}

	vm := b.VM(provision.DefaultVM)
	vm.SetLinger(false)
	health, err = status(true)
	if of = outcomes(health); err == nil || health.Ready || of[provision.WhoUser] != provision.OK ||
		of[provision.WhoClient] != provision.OK {
		t.Errorf("linger is off: %v, ready is %v, the access %v", err, health.Ready, of)
	}
	vm.SetLinger(true)

	b.BeforeGuest = func(does string) error {
		if does == "verify" {
			return &guest.ConnectionError{Route: guest.Fresh, Detail: "Permission denied (publickey)."}
		}
		return nil
	}
	if health, err = status(true); err != nil || !health.Ready {
		t.Errorf("new logins are refused: %v, ready is %v: that is left out", err, health.Ready)
	}
	if health, err = status(false); err == nil || health.Ready {
		t.Errorf("new logins are refused: %v, ready is %v with a new login", err, health.Ready)
	}
}

// TestQuick: a quick status reports whether the agent answers, and a run in progress.
func TestQuick(t *testing.T) {
	b := newBench(t)
	kind := func(want provision.Kind, words string) {
		t.Helper()
		now, err := b.setup().Quick(t.Context())
		failure, _ := errors.AsType[*provision.Error](err)
		if now.Answers || failure == nil || failure.Kind != want || failure.Next == "" || failure.What != words ||
			now.Error != failure {
			t.Errorf("%+v, %v, want %q", now, err, words)
		}
	}
	kind(provision.KindUnhealthy, "there is no VM substrate")
	b.mustRun(t)
	now, err := b.setup().Quick(t.Context())
	if err != nil || !now.Answers || now.VM != "substrate" || now.Agent.Version == "" || now.Took <= 0 ||
		now.Error != nil {
		t.Errorf("%+v, %v", now, err)
	}
	setup := b.second()
	setup.Approve = func(context.Context, provision.Plan) error {
		kind(provision.KindBusy, "provisioning in progress: another run of worldsetup is at work on the VM substrate")
		return nil
	}
	b.VM(provision.DefaultVM).CloseForwards()
	kind(provision.KindUnhealthy, "the agent in the VM substrate does not answer")
	if _, err := setup.Run(t.Context()); err != nil {
		t.Error(err)
	}
}
