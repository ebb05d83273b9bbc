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
