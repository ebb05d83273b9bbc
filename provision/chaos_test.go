package provision_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// place is where in an effect something goes wrong.
type place string

const (
	before     place = "before"
	inside     place = "inside"
	insideLate place = "late inside"
	after      place = "after"
)

// point is the moment at which something goes wrong: at one of the effects of a run, counted from 1.
type point struct {
	number int
	effect string
	place  place
	last   bool // the new world was verified by then
}

func (p point) String() string { return fmt.Sprintf("%02d %s %s", p.number, p.place, p.effect) }

// chaos stands between a run and the simulated world, and has everything that changes the world go wrong at one point.
//
// A failure is reported to the run, and the next call works again. A death is that of the run, by SIGKILL: from there
// on none of its calls reaches the world any more, cleaning up included, and the world stays as it is.
type chaos struct {
	*fake.World
	at    point
	dies  bool
	watch func() // called before each effect; nil for none

	mu      sync.Mutex
	effects []string
	dead    bool
}

var errDead = errors.New("the run was killed")

// effect counts an effect and does it, or what is left of it.
func (c *chaos) effect(name string, whole func() error, parts map[place]func() error) error {
	c.mu.Lock()
	c.effects = append(c.effects, name)
	hit, dead := len(c.effects) == c.at.number, c.dead
	c.mu.Unlock()
	if dead {
		return errDead
	}
	if c.watch != nil {
		c.watch()
	}
	if !hit {
		return whole()
	}
	switch part := parts[c.at.place]; {
	case part != nil:
		_ = part() // what it reports is that it was not finished
	case c.at.place == after:
		if err := whole(); err != nil {
			return err
		}
	}
	if c.dies {
		c.mu.Lock()
		c.dead = true
		c.mu.Unlock()
		return errDead
	}
	return fmt.Errorf("no space left on device: %s %s", c.at.place, name)
}

func (c *chaos) killed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return errDead
	}
	return nil
}

// Run implements lima.Runner.
func (c *chaos) Run(ctx context.Context, command lima.Command) (result lima.Result, err error) {
	call := fake.Call{Args: command.Args}
	whole := func() error {
		result, err = c.World.Run(ctx, command)
		return err
	}
	if !call.Changes() {
		if err := c.killed(); err != nil {
			return result, err
		}
		return result, whole()
	}
	err = c.effect(call.Verb(), whole, c.parts(ctx, call, command))
	return result, err
}

// parts are the ways in which limactl is found half done when it is killed.
func (c *chaos) parts(ctx context.Context, call fake.Call, command lima.Command) map[place]func() error {
	name := command.Args[len(command.Args)-1]
	faulty := func(change func(*fake.Faults)) func() error {
		return func() error {
			change(&c.Faults)
			defer func() { c.Faults = fake.Faults{} }()
			_, err := c.World.Run(ctx, command)
			return err
		}
	}
	dir := c.VMDir(name)
	switch call.Verb() {
	case "create":
		return map[place]func() error{
			inside: func() error { return os.Mkdir(c.VMDir(command.Args[len(command.Args)-2]), 0o700) },
			insideLate: faulty(func(f *fake.Faults) {
				f.Fail = map[string]string{"create": "failed to download the image: no space left on device"}
			}),
		}
	case "start":
		return map[place]func() error{
			inside:     faulty(func(f *fake.Faults) { f.Hang = map[string]bool{"start": true} }),
			insideLate: faulty(func(f *fake.Faults) { f.Hang = map[string]bool{"start-late": true} }),
		}
	case "delete": // files go in no order that anyone promises
		return map[place]func() error{
			inside:     func() error { return os.Remove(filepath.Join(dir, "lima.yaml")) },
			insideLate: func() error { return os.Remove(filepath.Join(dir, "disk")) },
		}
	}
	return nil
}

// guest is the way into a guest.
func (c *chaos) guest(instance *limatype.Instance, of layout.Layout) guest.Client {
	return chaosGuest{c.World.Guest(instance, of), c}
}

type chaosGuest struct {
	guest.Client
	chaos *chaos
}

// asks is a question to the guest: a killed run gets no answer.
func (g chaosGuest) asks(via guest.Route) error {
	if err := g.chaos.killed(); err != nil {
		return &guest.ConnectionError{Route: via, Err: err}
	}
	return nil
}

func (g chaosGuest) Observe(ctx context.Context, via guest.Route,
	options guest.ObserveOptions) (*guest.Observation, error) {
	if err := g.asks(via); err != nil {
		return nil, err
	}
	return g.Client.Observe(ctx, via, options)
}

func (g chaosGuest) ObserveMounts(ctx context.Context, points []string) ([]guest.Mount, error) {
	if err := g.asks(guest.Shared); err != nil {
		return nil, err
	}
	return g.Client.ObserveMounts(ctx, points)
}

func (g chaosGuest) Verify(ctx context.Context, v guest.Verification) (*guest.Verified, error) {
	if err := g.asks(v.Via); err != nil {
		return nil, err
	}
	return g.Client.Verify(ctx, v)
}

func (g chaosGuest) Change(ctx context.Context, via guest.Route, changes []guest.Change, made func()) error {
	for _, change := range changes {
		one := func() error { return g.Client.Change(ctx, via, []guest.Change{change}, func() {}) }
		if err := g.chaos.effect(fmt.Sprintf("%T", change), one, nil); err != nil {
			return err
		}
		made()
	}
	return nil
}

func (g chaosGuest) Renew(ctx context.Context, forwards []guest.Pair) error {
	return g.chaos.effect("renew", func() error { return g.Client.Renew(ctx, forwards) }, nil)
}

type chaosFolders struct{ *chaos }

func (f chaosFolders) Move(from, to string) error {
	return f.effect("move "+filepath.Base(from)+" to "+filepath.Base(to),
		func() error { return vmswap.HostFolders().Move(from, to) }, nil)
}

func (f chaosFolders) Mark(path string, content []byte) error {
	return f.effect("mark", func() error { return vmswap.HostFolders().Mark(path, content) }, nil)
}

func (f chaosFolders) Unmark(path string) error {
	return f.effect("unmark", func() error { return vmswap.HostFolders().Unmark(path) }, nil)
}

func (f chaosFolders) Clear(path string) error {
	return f.effect("clear", func() error { return vmswap.HostFolders().Clear(path) }, map[place]func() error{
		inside: func() error { return os.Remove(filepath.Join(path, "lima.yaml")) },
	})
}

// points are all moments at which a run can go wrong: it is done once without any, and its effects are noted.
func points(t *testing.T, prepare func(*testing.T) *bench, do func(*bench, *testing.T) error) (points []point) {
	t.Helper()
	b := prepare(t)
	b.chaos = &chaos{World: b.World}
	if err := do(b, t); err != nil {
		t.Fatal(err)
	}
	last := false
	for i, effect := range b.chaos.effects {
		places := []place{before, after}
		switch effect {
		case "create", "start", "delete":
			places = []place{before, inside, insideLate, after}
		}
		for _, place := range places {
			verified := last || effect == "unmark" && place == after
			points = append(points, point{i + 1, effect, place, verified})
		}
		last = last || effect == "unmark"
	}
	return slices.Clip(points)
}
