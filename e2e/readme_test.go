//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/devhost"
)

// testReadme types what the README says to talk to a world with, in a shell, as it is printed there.
func testReadme(t *testing.T, w *world) {
	root, err := devhost.SourceRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	typed := 0
	for line := range strings.Lines(string(readme)) {
		line, _ = strings.CutPrefix(strings.TrimSpace(line), "$ ")
		if !strings.HasPrefix(line, "limactl shell ") && !strings.HasPrefix(line, "curl ") {
			continue
		}
		typed++
		// A test's Lima home lies elsewhere, and limactl need not be in PATH.
		line = strings.NewReplacer("~/.lima", w.dir, "limactl ", w.rig.host.Lima+" ").Replace(line)
		out, err := w.command(t.Context(), "sh", "-c", line).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "{") {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	if typed < 2 {
		t.Errorf("the README has %d commands to talk to a world", typed)
	}
}
