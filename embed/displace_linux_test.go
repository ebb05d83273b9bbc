package embed_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
)

// Where a directory stands in the place of a file and a link in that of its backup, neither the link is followed nor
// anything lost. That of a file which is written first is removed.
func TestDisplaceFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for name, to := range map[string]string{"marker.displaced": "elsewhere", "marker.new": "file"} {
		if err := os.Symlink(path(to), path(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.MkdirAll(path("marker/kept"), 0o700), os.Mkdir(path("elsewhere"), 0o700),
		os.WriteFile(path("file"), []byte("precious"), 0o600)); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(embed.Marker.Text, "/etc/substrate-lima-layout", path("marker"))
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", text, "marker", "a-v1").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, want := range map[string]string{"marker": "a-v1\n", "file": "precious"} {
		if got, err := os.ReadFile(path(name)); string(got) != want {
			t.Errorf("%s holds %q, want %q (%v)", name, got, want, err)
		}
	}
	if to, err := os.Readlink(path("marker.displaced")); to != path("elsewhere") {
		t.Errorf("the link leads to %q (%v)", to, err)
	}
	if left, err := os.ReadDir(path("elsewhere")); err != nil || len(left) > 0 {
		t.Errorf("the link was followed: %v, %v", left, err)
	}
	if _, err := os.Stat(path("marker.displaced.1/kept")); err != nil {
		t.Error(err)
	}
}
