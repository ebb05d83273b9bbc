//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/devhost"
	"github.com/atomize-hq/worldsetup/provision"
)

// TestBuildInTheGuest: the agent of a small Cargo workspace, which takes nothing from a registry, is built in a guest
// that has no cargo at first, installed, and answers; the project is as it was, byte for byte.
func TestBuildInTheGuest(t *testing.T) {
	onEachRig(t, func(t *testing.T, rig *rig) {
		if testing.Short() || rig.bed != nil {
			t.Skip("on real VMs only, with a network, and a quarter of an hour under emulation: make e2e-all")
		}
		testBuild(t, rig)
	})
}

func testBuild(t *testing.T, rig *rig) {
	w := &world{limaHome: rig.newHome(t)}
	w.project = filepath.Join(w.files(), "workspace")
	w.copy(t, "e2e/testdata/workspace", w.project)
	w.before = w.snapshot(t)

	r := w.setup(t, "--timeout", "60m")
	r.wantReady(t)
	steps := r.steps()
	if at := slices.Index(steps, provision.StepAgentBuild); at < 0 ||
		at < slices.Index(steps, provision.StepWaitForBoot) || steps[at+1] != provision.StepAgent {
		t.Errorf("the steps were %v", steps)
	}
	w.wantAnswer(t, "built-in-the-guest")
	w.wantNoBuild(t)

	if r := w.setup(t); r.code != 0 || len(r.steps()) > 0 {
		t.Errorf("again: exit code %d, steps %v", r.code, r.steps())
	}

	source := filepath.Join(w.project, "crates", "world-agent", "src", "main.rs")
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("it does not compile", func(t *testing.T) {
		w.write(t, source, string(text)+"fn broken() -> u8 { nothing }\n")
		w.before = w.snapshot(t)
		r := w.setup(t, "--rebuild-agent")
		if failure := r.outcome().Error; r.code != 5 || failure == nil ||
			!strings.Contains(failure.Why, "cannot find value `nothing`") {
			t.Errorf("exit code %d, error %+v", r.code, failure)
		}
		w.wantAnswer(t, "built-in-the-guest")
		w.wantNoBuild(t)
		w.write(t, source, string(text))
	})
	t.Run("built again", func(t *testing.T) {
		library := filepath.Join(w.project, "crates", "answers", "src", "lib.rs")
		text, err := os.ReadFile(library)
		if err != nil {
			t.Fatal(err)
		}
		w.write(t, library, strings.Replace(string(text), "built-in-the-guest", "built-again", 1))
		w.before = w.snapshot(t)
		r := w.setup(t, "--rebuild-agent")
		r.wantReady(t)
		if steps := r.steps(); !slices.Equal(steps,
			[]provision.StepID{provision.StepAgentBuild, provision.StepAgent, provision.StepActivate}) {
			t.Errorf("the steps were %v", steps)
		}
		w.wantAnswer(t, "built-again")
		w.wantNoBuild(t)
	})
}

// wantAnswer asks the agent as a user of the guest would.
func (w *world) wantAnswer(t *testing.T, words string) {
	t.Helper()
	if r := w.guest(t, "curl", "-sS", "--unix-socket", guestSocket,
		capabilitiesURL); !strings.Contains(r.stdout, words) {
		t.Errorf("the agent answers %q%s", r.stdout, r.stderr)
	}
}

// wantNoBuild wants nothing to be left of a build, in the guest or in the project.
func (w *world) wantNoBuild(t *testing.T) {
	t.Helper()
	if left := w.root(t,
		"ls -d /home/*/.cache/worldsetup-build /home/*/.cargo /tmp/*cargo* 2>/dev/null || :"); left != "" {
		t.Errorf("left in the guest: %s", left)
	}
	testHostUntouched(t, w)
}

// copy copies a directory of the source, to a place of the ordinary user's.
func (w *world) copy(t *testing.T, from, to string) {
	t.Helper()
	root, err := devhost.SourceRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	from = filepath.Join(root, filepath.FromSlash(from))
	err = filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			w.write(t, filepath.Join(to, strings.TrimPrefix(path, from)), string(text))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
