package provision_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision"
)

// TestPasswordAskedOnPurpose: where Lima was told that the user has to give a password for sudo, no restart is tried,
// and the line that says so is named, wherever it stands.
func TestPasswordAskedOnPurpose(t *testing.T) {
	const denied = "# a\nuser:\n  name: ada\n  passwordlessSudo: false # safer\n"
	for _, own := range []bool{true, false} {
		b := newBench(t)
		b.mustRun(t)
		path := filepath.Join(b.spec.LimaHome, provision.DefaultVM, "lima.yaml")
		if own {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, append([]byte(denied), text...), 0o600); err != nil {
				t.Fatal(err)
			}
		} else {
			path = b.decide(t, "override.yaml", denied)
		}
		b.VM(provision.DefaultVM).RemoveSudoRule()
		b.ForgetCalls()
		wantKind(t, b.run(t), provision.KindUnhealthy, path+":4", "passwordlessSudo: false", "remove that line")
		if len(b.changes()) > 0 {
			t.Errorf("own %v: it did %v", own, b.changes())
		}
	}
	b := newBench(t)
	b.mustRun(t)
	b.decide(t, "override.yaml", "user: {passwordlessSudo: true}\n")
	b.decide(t, "default.yaml", denied)
	(*fake.VM).RemoveSudoRule(b.VM(provision.DefaultVM))
	b.mustRun(t) // a boot gives the right back
}

// TestForwardedByTheGuestAgent: that Lima's socket on the host answers says nothing about the user's group where root
// forwards it. The user's own sessions are judged all the same, and repaired.
func TestForwardedByTheGuestAgent(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	vm := b.VM(provision.DefaultVM)
	vm.Change(func(c *fake.Conditions) { c.ForwardsAsRoot = true })
	if b.mustRun(t); len(b.steps()) > 0 {
		t.Errorf("in a healthy world: the steps were %v", b.steps())
	}
	vm.RemoveGroup()
	if health, err := b.setup().Status(t.Context()); err == nil || health.Ready {
		t.Error("without the group it is ready")
	}
	b.mustRun(t)
	health, err := b.setup().Status(t.Context())
	if err != nil || !health.Ready {
		t.Errorf("repaired: %v", err)
	}
	for _, access := range health.Access {
		if access.Outcome != provision.OK {
			t.Errorf("repaired: %+v", access)
		}
	}
}
