package provision_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// TestMarkerWaitsForVerification: a layout is not marked as complete while someone who should reach the agent does
// not.
func TestMarkerWaitsForVerification(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	vm := b.VM("substrate")
	vm.Remove(guest.MarkerPath)
	b.BeforeGuest = func(name string) error {
		if name == "verify" {
			return &guest.ConnectionError{Route: guest.Fresh, Err: errors.New("connection refused")}
		}
		return nil
	}
	wantKind(t, b.run(t), provision.KindUnhealthy, "connection refused")
	if steps := b.steps(); slices.Contains(steps, provision.StepMarker) {
		t.Errorf("the steps %v hold the marker", steps)
	}
	b.BeforeGuest = nil
	b.mustRun(t)
	if steps := b.steps(); !slices.Equal(steps, []provision.StepID{provision.StepMarker}) {
		t.Errorf("the steps %v, want the marker", steps)
	}
}

// counted counts the scripts of a run, whose boot ends with the count of one of them.
func counted(t *testing.T, last string, count int, also func(b *bench, name string) error) map[string]int {
	t.Helper()
	b := newBench(t)
	slow := slowStart{World: b.World, release: make(chan struct{})}
	b.runner, b.spec.Timeout = slow, time.Minute
	var mu sync.Mutex
	scripts := map[string]int{}
	b.BeforeGuest = func(name string) error {
		mu.Lock()
		defer mu.Unlock()
		scripts[name]++
		if name == last && scripts[name] == count {
			close(slow.release)
		}
		return also(b, name)
	}
	b.mustRun(t)
	return scripts
}

// TestVerificationWhileBooting: Lima's start ends only after everyone was asked, so asking does not wait for it; and
// the guest is observed once before and once after what is done there, its mounts once more, when they are there. The
// second verification is the one on the shared connection.
func TestVerificationWhileBooting(t *testing.T) {
	scripts := counted(t, "verify", 2, func(*bench, string) error { return nil })
	want := map[string]int{"new": 1, "observe": 1, "mounts": 1, "verify": 2}
	for name, count := range want {
		if scripts[name] != count {
			t.Errorf("the script %q ran %d times, want %d", name, scripts[name], count)
		}
	}
}

// TestNotSeenWhileBooting: what was seen of a booting guest too long ago, or not wholly, is observed again when it has
// booted.
func TestNotSeenWhileBooting(t *testing.T) {
	var verification atomic.Int32
	for name, also := range map[string]func(*bench, string) error{
		"too long ago": func(b *bench, name string) error {
			if name == "mounts" {
				b.later.Store(int64(2 * time.Minute))
			}
			return nil
		},
		"connection lost": func(_ *bench, name string) error {
			if name == "verify" && verification.Add(1) == 1 {
				return &guest.ConnectionError{Route: guest.Fresh, Err: errors.New("broken pipe")}
			}
			return nil
		},
		"mounts not seen": func(_ *bench, name string) error {
			if name == "mounts" {
				return &guest.ConnectionError{Route: guest.Shared, Err: errors.New("broken pipe")}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			scripts := counted(t, "mounts", 1, also)
			if observations, verification := scripts["observe"], scripts["verify"]; observations != 2 || verification < 3 {
				t.Errorf("%d observations and %d verifications of what was made, want 2, and 2 after those that did not count",
					observations, verification)
			}
		})
	}
}
