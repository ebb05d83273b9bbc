package provision_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// early watches the observations that begin while Lima lists its VMs.
type early struct {
	guest.Client
	begun chan struct{} // gets one for each
	hangs bool          // they end only when they are dropped
	ended *atomic.Int64
	later *atomic.Int64 // the observations that are made afterwards
}

func (e early) Observe(
	ctx context.Context, via guest.Route, options guest.ObserveOptions,
) (*guest.Observation, error) {
	if !options.OnlyOpen {
		e.later.Add(1)
		return e.Client.Observe(ctx, via, options)
	}
	defer e.ended.Add(1)
	e.begun <- struct{}{}
	if e.hangs {
		<-ctx.Done()
		return nil, &guest.ConnectionError{Route: via, Err: context.Cause(ctx)}
	}
	return e.Client.Observe(ctx, via, options)
}

// watched is a Setup whose limactl lists VMs only once the guest is being observed, and what was observed.
func (b *bench) watched(hangs bool) (*provision.Setup, early) {
	e := early{begun: make(chan struct{}, 9), hangs: hangs, ended: new(atomic.Int64), later: new(atomic.Int64)}
	var first sync.Once
	b.Before = func(args []string) error {
		if slices.Contains(args, "list") {
			first.Do(func() {
				select {
				case <-e.begun:
				case <-time.After(10 * time.Second):
				}
			})
		}
		return nil
	}
	setup := b.second()
	edges := setup.Edges
	setup.Edges = func(spec provision.Spec) provision.Edges {
		all := edges(spec)
		enter := all.Guest
		all.Guest = func(instance *limatype.Instance, of layout.Layout) guest.Client {
			client := e
			client.Client = enter(instance, of)
			return client
		}
		return all
	}
	return setup, e
}

// TestPrefetch: a healthy world is observed while Lima lists its VMs, and not again.
func TestPrefetch(t *testing.T) {
	for name, call := range map[string]func(*provision.Setup) error{
		"rerun":       func(s *provision.Setup) error { _, err := s.Run(t.Context()); return err },
		"status":      func(s *provision.Setup) error { s.Reuse = true; _, err := s.Status(t.Context()); return err },
		"full status": func(s *provision.Setup) error { _, err := s.Status(t.Context()); return err },
	} {
		for _, of := range []layout.Layout{layout.AgentV1, layout.StagedV2} {
			b := newBench(t)
			b.spec.Layout = of.Name
			b.mustRun(t)
			setup, e := b.watched(false)
			if err := call(setup); err != nil {
				t.Errorf("%s of %s: %v", name, of.Name, err)
			}
			if e.ended.Load() != 1 || e.later.Load() != 0 {
				t.Errorf("%s of %s: %d observations began early, and %d after the list", name, of.Name, e.ended.Load(),
					e.later.Load())
			}
		}
	}
}

// TestPrefetchIsDropped: what was begun counts for nothing when something else is to be asked, and has ended when the
// call does.
func TestPrefetchIsDropped(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, b *bench)
		later  int64 // observations that are made afterwards
		kind   provision.Kind
	}{
		"another layout": {func(_ *testing.T, b *bench) { b.spec.Layout = layout.ServiceV1.Name }, 1,
			provision.KindUnhealthy},
		"the VM is stopped": {func(t *testing.T, b *bench) {
			t.Helper()
			b.stop(t)
			stale(t, filepath.Join(b.VMDir("substrate"), "ssh.sock"))
		}, 0, provision.KindUnhealthy},
		"Lima lists nothing": {func(_ *testing.T, b *bench) { b.Faults.Fail = map[string]string{"list": "no"} }, 0,
			provision.KindPrerequisite},
		"the guest is booting": {func(_ *testing.T, b *bench) { b.VM("substrate").Unboot() }, 1,
			provision.KindUnhealthy},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.mustRun(t)
			c.change(t, b)
			setup, e := b.watched(true)
			_, err := setup.Status(t.Context())
			wantKind(t, err, c.kind)
			if e.ended.Load() != 1 || e.later.Load() != c.later {
				t.Errorf("%d that began early have ended, and %d were made later", e.ended.Load(), e.later.Load())
			}
		})
	}
}

// TestPrefetchEndsWithItsCaller: an interrupt while Lima lists its VMs ends the observation as well.
func TestPrefetchEndsWithItsCaller(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	setup, e := b.watched(true)
	ctx, cancel := context.WithCancel(t.Context())
	begun := b.Before
	b.Before = func(args []string) error {
		err := begun(args)
		cancel()
		return err
	}
	_, err := setup.Run(ctx)
	wantKind(t, err, provision.KindInterrupted)
	if e.ended.Load() != 1 || e.later.Load() != 0 {
		t.Errorf("%d that began early have ended, and %d were made later", e.ended.Load(), e.later.Load())
	}
}

// TestPrefetchNeedsAnOpenConnection: without a control socket nothing is begun, and one that no one serves
// is found out.
func TestPrefetchNeedsAnOpenConnection(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.VM("substrate").RemoveKey()
	setup, e := b.watched(false)
	_, err := setup.Status(t.Context())
	wantKind(t, err, provision.KindUnhealthy)
	if e.ended.Load() != 1 || e.later.Load() != 2 { // over the shared connection, and over a fresh one
		t.Errorf("%d that began early have ended, and %d were made later", e.ended.Load(), e.later.Load())
	}
	if err := os.Remove(filepath.Join(b.VMDir("substrate"), "ssh.sock")); err != nil {
		t.Fatal(err)
	}
	b.Before = nil
	b.ForgetCalls()
	_, err = b.setup().Status(t.Context())
	wantKind(t, err, provision.KindUnhealthy)
	if calls := b.Calls(); calls[0].Verb() != "list" {
		t.Errorf("the first call was %+v", calls[0])
	}
}

// stale leaves a socket that no one serves.
func stale(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
}
