package provision_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// TestMarkerWaitsForTheProof: a layout is not marked as complete while somebody who should reach the agent does not.
func TestMarkerWaitsForTheProof(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	vm := b.VM("substrate")
	if err := vm.Root("rm -f " + guest.MarkerPath); err != nil {
		t.Fatal(err)
	}
	b.BeforeScript = func(name string) error {
		if name == embed.Prove.Name {
			return &guest.ConnectionError{Route: guest.Fresh, Err: errors.New("connection refused")}
		}
		return nil
	}
	wantKind(t, b.run(t), provision.KindUnhealthy, "connection refused")
	if steps := b.steps(); slices.Contains(steps, provision.StepMarker) {
		t.Errorf("the steps %v hold the marker", steps)
	}
	b.BeforeScript = nil
	b.mustRun(t)
	if steps := b.steps(); !slices.Equal(steps, []provision.StepID{provision.StepMarker}) {
		t.Errorf("the steps %v, want the marker", steps)
	}
}

// counted counts the scripts of a run, whose boot ends with the count of one of them.
func counted(t *testing.T, script embed.Script, count int, also func(b *bench, name string) error) map[string]int {
	t.Helper()
	b := newBench(t)
	slow := slowStart{World: b.World, release: make(chan struct{})}
	b.runner, b.spec.Timeout = slow, time.Minute
	var mu sync.Mutex
	scripts := map[string]int{}
	b.BeforeScript = func(name string) error {
		mu.Lock()
		defer mu.Unlock()
		scripts[name]++
		if name == script.Name && scripts[name] == count {
			close(slow.release)
		}
		return also(b, name)
	}
	b.mustRun(t)
	return scripts
}

// TestProofWhileBooting: Lima's start ends only after everybody was asked, so asking does not wait for it; and the guest
// is looked at once before and once after what is done there, its mounts once more, when they are there. The second proof is the one on the shared connection.
func TestProofWhileBooting(t *testing.T) {
	scripts := counted(t, embed.Prove, 2, func(*bench, string) error { return nil })
	want := map[string]int{embed.ObserveNew.Name: 1, embed.Observe.Name: 1, embed.Mounts.Name: 1, embed.Prove.Name: 2}
	for name, count := range want {
		if scripts[name] != count {
			t.Errorf("the script %q ran %d times, want %d", name, scripts[name], count)
		}
	}
}

// TestNotSeenWhileBooting: what was seen of a booting guest too long ago, or not wholly, is looked at again when it has booted.
func TestNotSeenWhileBooting(t *testing.T) {
	var proofs atomic.Int32
	for name, also := range map[string]func(*bench, string) error{
		"too long ago": func(b *bench, name string) error {
			if name == embed.Mounts.Name {
				b.later.Store(int64(2 * time.Minute))
			}
			return nil
		},
		"connection lost": func(_ *bench, name string) error {
			if name == embed.Prove.Name && proofs.Add(1) == 1 {
				return &guest.ConnectionError{Route: guest.Fresh, Err: errors.New("broken pipe")}
			}
			return nil
		},
		"mounts not seen": func(_ *bench, name string) error {
			if name == embed.Mounts.Name {
				return &guest.ConnectionError{Route: guest.Shared, Err: errors.New("broken pipe")}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			scripts := counted(t, embed.Mounts, 1, also)
			if looks, proofs := scripts[embed.Observe.Name], scripts[embed.Prove.Name]; looks != 2 || proofs < 3 {
				t.Errorf("%d looks and %d proofs at what was made, want 2, and 2 after those that did not count", looks, proofs)
			}
		})
	}
}
