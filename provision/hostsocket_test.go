package provision_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// TestHostSocketOpenToOthers: what lets other users of this machine reach the agent is closed, and nothing else
// changes.
func TestHostSocketOpenToOthers(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	dir := b.VMDir("substrate")
	socket := filepath.Join(dir, "sock", "substrate.sock")
	for name, opened := range map[string]struct {
		path string
		mode os.FileMode
		want os.FileMode // afterwards
	}{
		"the socket":               {socket, 0o666, 0o600},
		"the socket, to its group": {socket, 0o660, 0o600},
		"its directory":            {filepath.Dir(socket), 0o777, 0o755},
		"the VM's directory":       {dir, 0o770, 0o750},
		"Lima's home":              {b.spec.LimaHome, 0o733, 0o711},
	} {
		if err := os.Chmod(opened.path, opened.mode); err != nil {
			t.Fatal(err)
		}
		health, err := b.setup().Status(t.Context())
		wantKind(t, err, provision.KindUnhealthy, "forwarded socket", opened.path)
		if slices.ContainsFunc(health.Items, func(item provision.Item) bool {
			return item.Outcome == provision.Failed && item.ID != "host-socket"
		}) {
			t.Errorf("%s: other items failed: %+v", name, health.Items)
		}
		b.mustRun(t)
		if steps := b.steps(); !slices.Equal(steps, []provision.StepID{provision.StepHostSocket}) {
			t.Errorf("%s: the steps were %v", name, steps)
		}
		if info, err := os.Stat(opened.path); err != nil || info.Mode().Perm() != opened.want {
			t.Errorf("%s: %v, %v; want mode %o", name, info.Mode(), err, opened.want)
		}
	}
	if err := os.Chmod(b.spec.LimaHome, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t)
	if len(b.steps()) > 0 {
		t.Errorf("in a sticky directory no other user replaces our files: %v", b.steps())
	}
}

// TestLimaKeyReadableByOthers: ssh refuses such a key, which no change in the guest repairs.
func TestLimaKeyReadableByOthers(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	key := filepath.Join(b.spec.LimaHome, "_config", "user")
	if err := os.MkdirAll(filepath.Dir(key), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t)
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	err := b.run(t)
	wantKind(t, err, provision.KindUnhealthy, "key", "0644", "chmod 600 "+key)
	if len(b.steps()) > 0 || strings.Contains(err.Error(), "--replace") {
		t.Errorf("%v; the steps were %v", err, b.steps())
	}
}
