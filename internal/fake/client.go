package fake

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/staging"
)

// client is the way into one VM. It implements guest.Client.
type client struct {
	world  *World
	name   string
	layout layout.Layout
}

// enter notes a call, asks the hooks about it, and logs in.
func (c client) enter(ctx context.Context, via guest.Route, name string, change guest.Change) (session, *VM, error) {
	w := c.world
	w.note(Call{VM: c.name, Does: name, Via: via, Change: change})
	if w.BeforeGuest != nil {
		if err := w.BeforeGuest(name); err != nil {
			return session{}, nil, err
		}
	}
	w.delay(name)
	return w.login(ctx, c.name, via)
}

// login returns the session that the route leads to, or hangs, or fails, as ssh would.
func (w *World) login(ctx context.Context, name string, via guest.Route) (session, *VM, error) {
	vm := w.VM(name)
	w.mu.Lock()
	defer w.mu.Unlock()
	fresh := via == guest.Fresh || vm == nil || vm.shared == nil
	refused := &guest.ConnectionError{Route: via}
	switch {
	case vm == nil || !vm.running || !vm.guest.sshd && fresh:
		refused.Detail = "ssh: connect to host 127.0.0.1 port 0: Connection refused"
		return session{}, nil, refused
	case vm.conditions.Dead:
		w.mu.Unlock()
		refused.Err = w.hang(ctx)
		w.mu.Lock()
		return session{}, nil, refused
	case ctx.Err() != nil:
		refused.Err = context.Cause(ctx)
		return session{}, nil, refused
	case fresh && !vm.guest.key:
		refused.Detail = userName + "@127.0.0.1: Permission denied (publickey)."
		return session{}, nil, refused
	case fresh:
		return session{vm.guest.member}, vm, nil
	}
	return *vm.shared, vm, nil
}

// Observe implements guest.Client.
func (c client) Observe(ctx context.Context, via guest.Route,
	options guest.ObserveOptions) (o *guest.Observation, err error) {
	name := "observe"
	if options.New {
		name = "new"
	}
	sent := time.Now()
	as, vm, err := c.enter(ctx, via, name, nil)
	if err == nil && options.OnlyOpen && !vm.open() {
		err = &guest.ConnectionError{Route: via, Detail: "Connection closed by UNKNOWN port 65535"}
	}
	if err != nil {
		return nil, err
	}
	vm.locked(func() {
		o = vm.guest.observe(as, c.layout, options.Mounts)
		o.Answers = vm.guest.answers(as, options.Ask)
	})
	o.ClockError = time.Since(sent) / 2
	o.Untouched = options.New && len(o.Files) == 0
	return o, nil
}

// ObserveMounts implements guest.Client.
func (c client) ObserveMounts(ctx context.Context, points []string) (mounts []guest.Mount, err error) {
	_, vm, err := c.enter(ctx, guest.Shared, "mounts", nil)
	if err == nil {
		vm.locked(func() { mounts = vm.guest.observeMounts(points) })
	}
	return mounts, err
}

// Enter implements guest.Client.
func (c client) Enter(ctx context.Context) error {
	_, _, err := c.enter(ctx, guest.Fresh, "enter", nil)
	return err
}

// Verify implements guest.Client.
func (c client) Verify(ctx context.Context, v guest.Verification) (*guest.Verified, error) {
	as, vm, err := c.enter(ctx, v.Via, "verify", nil)
	if err != nil {
		return nil, err
	}
	if v.Forward != nil {
		forwarded, err := listen(v.Forward.Path, vm.relay(as, false))
		if err != nil {
			return nil, &guest.ConnectionError{Route: v.Via, Detail: "unix_listener: " + err.Error()}
		}
		v.Forward.Use(ctx, v.Forward.Path)
		forwarded.remove()
	}
	verified := &guest.Verified{}
	vm.locked(func() {
		m := vm.guest
		verified.Answers = m.answers(as, v.Who)
		for _, point := range v.Mounts {
			if _, ok := m.mount(point); ok {
				verified.Mounted = append(verified.Mounted, point)
			}
		}
	})
	return verified, nil
}

// answers are what those in a session get who ask the agent.
func (m *machine) answers(as session, all []string) map[string]guest.Answer {
	answers := map[string]guest.Answer{}
	for _, who := range all {
		switch {
		case who == guest.Self:
			answers[who] = m.ask(false, as.member, capabilities)
		case !m.allowsSudo():
			answers[who] = guest.Answer{Exit: 1}
		default:
			answers[who] = m.ask(who == guest.Root, false, capabilities)
		}
	}
	return answers
}

// Refusals implements guest.Client.
func (c client) Refusals(ctx context.Context, via guest.Route, _, _ string) (guest.Refusals, error) {
	_, _, err := c.enter(ctx, via, "refused", nil)
	return guest.Refusals{}, err
}

// Obstacles implements guest.Client.
func (c client) Obstacles(ctx context.Context, via guest.Route, _ []string) ([]guest.Obstacle, error) {
	_, _, err := c.enter(ctx, via, "obstacles", nil)
	return nil, err
}

// Change implements guest.Client.
func (c client) Change(ctx context.Context, via guest.Route, changes []guest.Change, made func()) error {
	for _, change := range changes {
		_, vm, err := c.enter(ctx, via, nameOf(change), change)
		if err != nil {
			return err
		}
		if vm.locked(func() { err = vm.guest.change(c.layout, change) }); err != nil {
			return err
		}
		made()
	}
	return nil
}

// Build implements guest.Client. It is not modelled: tests that build have a client of their own.
func (c client) Build(context.Context, guest.Route, guest.Build, func(string)) ([]guest.Built, error) {
	return nil, errors.New("fake: nothing can be built")
}

// InstallCargo implements guest.Client. It is not modelled, as Build.
func (c client) InstallCargo(context.Context, guest.Route, guest.Build, func(string)) error {
	return errors.New("fake: nothing can be built")
}

// Staged implements guest.Client.
func (c client) Staged(ctx context.Context, via guest.Route, _ string) (copied *staging.Copy, err error) {
	_, vm, err := c.enter(ctx, via, "staged", nil)
	if err == nil {
		vm.locked(func() { copied = vm.guest.staged(c.layout) })
	}
	return copied, err
}

// Stage implements guest.Client.
func (c client) Stage(ctx context.Context, via guest.Route, staged guest.Staging) error {
	_, vm, err := c.enter(ctx, via, "Stage", nil)
	if err != nil {
		return err
	}
	var stream bytes.Buffer
	staged.Prepared()
	if err := staged.Write(&stream); err != nil {
		return err
	}
	vm.locked(func() { err = vm.guest.stage(c.layout, staged, &stream) })
	return err
}

// watchPeriod is how often a watcher compares.
const watchPeriod = 5 * time.Millisecond

// Watch implements guest.Client.
func (c client) Watch(ctx context.Context, _ []string, event func(guest.WatchEvent)) error {
	c.world.note(Call{VM: c.name, Does: "watch", Via: guest.Fresh})
	_, vm, err := c.world.login(ctx, c.name, guest.Fresh)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(watchPeriod)
	defer ticker.Stop()
	for last := ""; ; {
		running := false
		if vm.locked(func() { running = vm.running }); !running {
			return &guest.ConnectionError{Route: guest.Fresh, Detail: "client_loop: send disconnect: Broken pipe"}
		}
		if now := vm.Fingerprint(); now != last {
			last = now
			event(guest.WatchChange)
		}
		select {
		case <-ctx.Done():
			return &guest.ConnectionError{Route: guest.Fresh, Err: context.Cause(ctx)}
		case <-ticker.C:
		}
	}
}

// Renew implements guest.Client: mounts go on over the old connection, and the sockets are forwarded again.
func (c client) Renew(ctx context.Context, forwards []guest.Pair) error {
	fresh, vm, err := c.enter(ctx, guest.Fresh, "renew", nil)
	if err != nil {
		return err
	}
	vm.locked(func() {
		vm.closeSockets()
		vm.connect(fresh)
		for _, pair := range forwards {
			vm.forward(pair.Host)
		}
	})
	return nil
}
