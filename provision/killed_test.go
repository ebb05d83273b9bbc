package provision_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// TestProgramsThatAreKilled: another program ends limactl or ssh. That says nothing about the VM, which is neither
// restarted nor to be replaced, and the next run carries on.
func TestProgramsThatAreKilled(t *testing.T) {
	killed := &process.KilledError{Name: "limactl", Err: errors.New("signal: killed")}
	cutOff := &guest.ConnectionError{Route: guest.Shared,
		Err: &process.KilledError{Name: "ssh", Err: errors.New("signal: killed")}}
	for name, test := range map[string]struct {
		verb, does string // of limactl or in the guest: it is killed from then on
		changed    bool   // something was changed before
		kind       provision.Kind
	}{
		"limactl list":               {"list", "", false, provision.KindPrerequisite},
		"limactl list, after change": {"list", "", true, provision.KindProvisioning},
		"limactl start":              {"start", "", false, provision.KindProvisioning},
		"ssh, observing":             {"", "observe", false, provision.KindProvisioning},
		"ssh, verifying":             {"", "verify", false, provision.KindUnhealthy},
		"ssh, in a step":             {"", "MakeDirectories", true, provision.KindProvisioning},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.mustRun(t)
			vm := b.VM("substrate")
			if test.changed {
				vm.Remove(guest.MarkerPath, "/var/lib/substrate")
			}
			if test.verb == "start" {
				b.stop(t)
			}
			started := false
			b.Before = func(args []string) error {
				started = started || !test.changed || len(b.steps()) > 0
				if started && test.verb != "" && slices.Contains(args, test.verb) {
					return killed
				}
				return nil
			}
			b.BeforeGuest = func(does string) error {
				if does == test.does {
					return cutOff
				}
				return nil
			}
			b.ForgetCalls()
			err := b.run(t)
			wantKind(t, err, test.kind, "was killed on this machine", "find out what kills it")
			for _, wrong := range []string{"--replace", "agent's log", "--agent"} {
				if strings.Contains(err.Error()+provision.AsError(err).Next, wrong) {
					t.Errorf("the advice is %q: %v", wrong, provision.AsError(err).Next)
				}
			}
			if slices.Contains(b.changes(), "stop") {
				t.Errorf("the VM was stopped: %v", b.changes())
			}
			b.Before, b.BeforeGuest = nil, nil
			b.mustRun(t)
		})
	}
}

// TestKilledCreation: what is left may have half a disk, with which it would never start. It is created again.
func TestKilledCreation(t *testing.T) {
	b := newBench(t)
	b.spec.Protect = provision.Off // a VM is marked before it is protected
	b.spec.MountHome = provision.Off
	b.Before = func(args []string) error {
		if slices.Contains(args, "start") {
			return &process.KilledError{Name: "limactl", Err: errors.New("signal: killed")}
		}
		return nil
	}
	wantKind(t, b.run(t), provision.KindProvisioning, "was killed")
	mark := filepath.Join(b.VMDir("substrate"), "worldsetup-world") // it is written when the creation has ended
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(b.VMDir("substrate"), "half")
	if err := os.WriteFile(half, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.Before, b.spec.MountHome = nil, provision.Unset
	plan, err := b.setup().Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if step := plan.Steps[0]; step.ID != provision.StepCreate || !strings.Contains(step.Reason, "interrupted") ||
		!plan.HomeLeftOut {
		t.Fatalf("got %+v", plan.Steps)
	}
	b.mustRun(t)
	if _, err := os.Lstat(half); err == nil {
		t.Error("it was not created again")
	}
	if err := os.Remove(mark); err != nil { // it was started since, and there may be something in it
		t.Fatal(err)
	}
	b.stop(t)
	b.mustRun(t)
	if slices.Contains(b.steps(), provision.StepCreate) {
		t.Errorf("it did %v", b.steps())
	}
}
