package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"sync"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/tui"
)

// mender fixes prerequisites. It remembers the checks that the engine made last, which know how.
type mender struct {
	mu   sync.Mutex
	list []checks.Check
}

// edges are those of this machine, with an ear for the checks.
func (m *mender) edges(spec provision.Spec) provision.Edges {
	edges := provision.Machine(spec)
	list := edges.Checks
	edges.Checks = func(target checks.Target) []checks.Check { return m.keep(list(target)) }
	return edges
}

func (m *mender) keep(list []checks.Check) []checks.Check {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = list
	return list
}

func (m *mender) find(id string) (checks.Check, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.list, func(c checks.Check) bool { return c.ID == id }); i >= 0 {
		return m.list[i], nil
	}
	return checks.Check{}, fmt.Errorf("there is no check %s", id)
}

// mend does what would fix a failed check, after sudo has asked for the password at the terminal if it must.
func (m *mender) mend(ctx context.Context, id string, at tui.Terminal) error {
	check, err := m.find(id)
	if err != nil {
		return err
	}
	if fix := check.Probe(ctx).Fix; fix != nil && fix.AsRoot() {
		sudo := exec.CommandContext(ctx, "sudo", "-v")
		sudo.Stdin, sudo.Stdout, sudo.Stderr = at.In, at.Out, at.Out
		if err := sudo.Run(); err != nil {
			return fmt.Errorf("sudo: %w", err)
		}
	}
	return apply(ctx, check, at.Out)
}

// apply fixes a check and says why it still fails.
func apply(ctx context.Context, check checks.Check, out io.Writer) error {
	to := newLines(out, false)
	result := checks.Apply(ctx, check, func(line string) { to.printf("%s", line) })
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case result.Outcome != checks.Failed || result.Problem == nil:
		return nil
	}
	return fmt.Errorf("%s\n%s\n%s", result.Problem.What, result.Problem.Why, result.Problem.Next)
}
