package provision_test

import (
	"errors"
	"slices"
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

// TestProofWhileBooting: Lima's start ends only after everybody was asked, so asking does not wait for it; and the guest
// is looked at twice in all.
func TestProofWhileBooting(t *testing.T) {
	b := newBench(t)
	slow := slowStart{World: b.World, release: make(chan struct{})}
	b.runner, b.spec.Timeout = slow, time.Minute
	var proofs, looks atomic.Int32
	b.BeforeScript = func(name string) error {
		switch {
		case name == embed.Observe.Name:
			looks.Add(1)
		case name == embed.Prove.Name && proofs.Add(1) == 2: // on the shared connection, when it is time to ask
			close(slow.release)
		}
		return nil
	}
	b.mustRun(t)
	if looks.Load() != 2 || proofs.Load() != 2 {
		t.Errorf("%d looks and %d proofs, want 2 of each", looks.Load(), proofs.Load())
	}
}

// TestEarlyConnectionLost: a connection that was made beforehand and broke is made anew when it is needed.
func TestEarlyConnectionLost(t *testing.T) {
	b := newBench(t)
	slow := slowStart{World: b.World, release: make(chan struct{})}
	b.runner, b.spec.Timeout = slow, time.Minute
	var proofs atomic.Int32
	b.BeforeScript = func(name string) error {
		if name == embed.Prove.Name && proofs.Add(1) == 1 {
			close(slow.release)
			return &guest.ConnectionError{Route: guest.Fresh, Err: errors.New("broken pipe")}
		}
		return nil
	}
	b.mustRun(t)
	if proofs.Load() < 3 {
		t.Errorf("%d proofs, want one that was lost, one anew, and one on the shared connection", proofs.Load())
	}
}
