package provision_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// TestReplacementFails: a failure at every single thing that a replacement does, before, in the middle of, or right
// after it. All end with the old world under its name, answering, verified, and with nothing left over.
func TestReplacementFails(t *testing.T) {
	t.Parallel()
	for _, point := range points(t, replacing, (*bench).runErr) {
		t.Run(point.String(), func(t *testing.T) {
			b := replacing(t)
			b.chaos = &chaos{World: b.World, at: point}
			err := b.run(t)
			if err == nil && point.effect == "stop" {
				return // it loses its power instead
			}
			if err == nil {
				t.Fatal("nothing failed")
			}
			b.chaos = nil
			if survived := b.holds("substrate", "old"); survived != !point.last {
				t.Errorf("the old VM has its name: %v; %v", survived, err)
			}
			if !point.last {
				wantKind(t, err, provision.KindProvisioning, "the old")
				b.intact(t)
				return
			}
			// Only what was to be removed anyway is left.
			b.spec.Replace = ""
			b.mustRun(t)
		})
	}
}

// TestWhatReplacementsMeet: the things that do go wrong, each with its evidence in the message.
func TestWhatReplacementsMeet(t *testing.T) {
	for name, test := range map[string]struct {
		verb   string
		faults fake.Faults
		words  string
	}{
		"image refused": {"create",
			fake.Faults{Fail: map[string]string{"create": "expected digest sha256:0, got sha256:1"}},
			"expected digest"},
		"disk full": {"create",
			fake.Faults{Fail: map[string]string{"create": "write disk: no space left on device"}}, "no space left"},
		"limactl hangs":  {"create", fake.Faults{Hang: map[string]bool{"create": true}}, "patience"},
		"limactl killed": {"create", fake.Faults{Kill: map[string]bool{"create": true}}, "137"},
		"no boot": {"start",
			fake.Faults{Fail: map[string]string{"start": "exiting, status={Running:false Degraded:true}"}}, "Degraded"},
		"no ssh for ever":  {"start", fake.Faults{Hang: map[string]bool{"start": true}}, "patience"},
		"scripts for ever": {"start", fake.Faults{Hang: map[string]bool{"start-late": true}}, "patience"},
	} {
		t.Run(name, func(t *testing.T) {
			b := replacing(t)
			met := false
			b.Before = func(args []string) error {
				call := fake.Call{Args: args}
				switch {
				case call.Verb() == test.verb && !met:
					met, b.Faults = true, test.faults
				case call.Changes() && met:
					b.Faults = fake.Faults{}
				}
				return nil
			}
			wantKind(t, b.run(t), provision.KindProvisioning, test.words, "the old")
			b.Before, b.Faults = nil, fake.Faults{}
			b.intact(t)
		})
	}
}

// TestReadersDuringReplacement: anyone who wants a plan or a report is shown at every moment that a run is at work
// and what it is at, without waiting, and nothing is changed by it.
func TestReadersDuringReplacement(t *testing.T) {
	b := replacing(t)
	reader := &bench{World: b.World, spec: b.spec}
	reader.spec.Replace = ""
	observations := 0
	b.chaos = &chaos{World: b.World, watch: func() {
		observations++
		for _, err := range []error{second(reader.setup().Plan(t.Context())),
			second(reader.setup().Status(t.Context()))} {
			if failure := provision.AsError(err); failure == nil || failure.Kind != provision.KindBusy ||
				!strings.Contains(failure.Why, "process ") {
				t.Errorf("observation %d: %+v", observations, failure)
			}
		}
	}}
	b.mustRun(t)
	if observations < 10 {
		t.Errorf("%d observations", observations)
	}
}

func second[T any](_ T, err error) error { return err }

// TestCancelledRemoval: the new world was verified, so it stays; and the old one stays as well, kept.
func TestCancelledRemoval(t *testing.T) {
	b := replacing(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	setup := b.setup()
	setup.Events = func(event provision.Event) {
		if event.Type == provision.EventStep && event.Step.ID == provision.StepReplaceRemove {
			cancel(errors.New("SIGTERM was received"))
		}
	}
	_, err := setup.Run(ctx)
	wantKind(t, err, provision.KindInterrupted, "the new world is ready")
	b.only(t, "substrate", oldVM)
	b.spec.Replace = ""
	if health, err := b.setup().Status(t.Context()); err != nil || !health.Ready {
		t.Errorf("%+v, %v", health.Items, err)
	}
}

// TestCancelledReplacement: at every step, with the same end.
func TestCancelledReplacement(t *testing.T) {
	whole := replacing(t)
	whole.mustRun(t)
	for i, id := range whole.steps() {
		if id == provision.StepReplaceRemove {
			continue // the new world is verified by then
		}
		t.Run(string(id), func(t *testing.T) {
			b := replacing(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			setup := b.setup()
			record, begun := setup.Events, 0
			setup.Events = func(event provision.Event) {
				record(event)
				if event.Type == provision.EventStep && event.Step.State == provision.StepRunning {
					if begun++; begun == i+1 {
						cancel(errors.New("SIGHUP was received"))
					}
				}
			}
			_, err := setup.Run(ctx)
			wantKind(t, err, provision.KindInterrupted, "SIGHUP", "the old")
			b.intact(t)
		})
	}
}

func (b *bench) runErr(t *testing.T) error { return b.run(t) }

// intact wants the old world to be there, alone, running and verified.
func (b *bench) intact(t *testing.T) {
	t.Helper()
	b.only(t, "substrate")
	if !b.holds("substrate", "old") {
		t.Error("it is not the old VM")
	}
	b.spec.Replace = ""
	if health, err := b.setup().Status(t.Context()); err != nil || !health.Ready {
		t.Errorf("the old world is not ready: %v", err)
	}
}

func (b *bench) stop(t *testing.T) {
	t.Helper()
	if err := (lima.Client{Runner: b.World}).Stop(t.Context(), "substrate", false, nil); err != nil {
		t.Fatal(err)
	}
}

// TestWaitForRemoval: anyone who waited for a run that took the world away, its lock included, has the new lock to
// itself.
func TestWaitForRemoval(t *testing.T) {
	b := replacing(t)
	waiter := &bench{World: b.World, spec: b.spec}
	waiter.spec.Replace, waiter.spec.Wait = "", true
	waits, ended := make(chan struct{}), make(chan error, 1)
	setup := b.setup()
	setup.Events = func(event provision.Event) {
		if event.Type != provision.EventStep || event.Step.State != provision.StepRunning {
			return
		}
		other := waiter.setup()
		other.Events = func(event provision.Event) {
			if event.Type == provision.EventWaiting {
				close(waits)
			}
		}
		go func() {
			_, err := other.Run(t.Context())
			ended <- err
		}()
		<-waits
	}
	setup.Spec.Remove = "substrate"
	if err := setup.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if b.holds("substrate", "old") {
		t.Error("it was not removed")
	}
}

// TestRunningVMIsNotMoved: Lima calls a VM stopped whose configuration it cannot read, whatever runs.
func TestRunningVMIsNotMoved(t *testing.T) {
	b := replacing(t)
	b.stop(t)
	b.process(t, "qemu.pid", "-pidfile", filepath.Join(b.VMDir("substrate"), "qemu.pid"))
	wantKind(t, b.run(t), provision.KindProvisioning, "still runs: process", "the old VM")
	b.only(t, "substrate")
}
