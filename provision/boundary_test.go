package provision_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestNoTerminal holds the boundary that makes this package importable by any program: nothing of a terminal, of a
// command line, or of what only tests need comes with it, not even indirectly.
func TestNoTerminal(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for dependency := range strings.FieldsSeq(string(out)) {
		for _, forbidden := range []string{"charm.land/", "github.com/charmbracelet/",
			"github.com/spf13/", "golang.org/x/term",
			"github.com/atomize-hq/worldsetup/cmd", "github.com/atomize-hq/worldsetup/tui",
			"github.com/atomize-hq/worldsetup/internal/fake",
			"github.com/lima-vm/lima/v2/pkg/store", "github.com/lima-vm/lima/v2/pkg/limayaml"} {
			if strings.HasPrefix(dependency, forbidden) {
				t.Errorf("provision depends on %s", dependency)
			}
		}
	}
}
