//go:build e2e

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/scenario"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// makeWarm makes a VM as lima-warm.sh of a generation does, in the place of the present one.
func (w *world) makeWarm(t *testing.T, of layout.Layout, agent string) error {
	t.Helper()
	if exists(filepath.Join(w.dir, vm)) {
		if err := failed(w.deleteVM(t, vm)); err != nil {
			return err
		}
	}
	guest, err := os.ReadFile(w.rig.profile)
	if err != nil {
		return err
	}
	profile := filepath.Join(w.files(), "warm.yaml")
	w.write(t, profile, scenario.WarmProfile(string(guest), "~", w.project, of))
	if err := errors.Join(
		failed(w.limactl(t, "start", "--tty=false", "--name", vm, profile)),
		failed(w.limactl(t, "copy", agent, vm+":/tmp/agent")),
	); err != nil {
		return err
	}
	if !of.Mounts() {
		if err := failed(w.limactl(t, "copy", "--recursive", w.project, vm+":/tmp/project")); err != nil {
			return err
		}
	}
	return failed(w.guest(t, "sudo", "sh", "-ec", scenario.WarmInside(of, w.project)))
}

// TestWarm adopts a VM as lima-warm.sh of each generation makes one, and restarts it. What that script does to a VM
// that is not as it wants does no harm then, and there is a way back to it.
func TestWarm(t *testing.T) { inTurn(t, 0, testWarm) }

func testWarm(t *testing.T, rig *rig) {
	if rig.bed == nil {
		t.Skip("played on the test bed only: nothing of it depends on what a container can't show")
	}
	for _, of := range layout.All {
		t.Run(of.Name, func(t *testing.T) {
			w := &world{limaHome: rig.newHome(t)}
			w.project = filepath.Join(w.files(), "project")
			w.write(t, filepath.Join(w.project, "docs", "read.me"), "hello\n")
			agent := filepath.Join(w.files(), "agent")
			buildAgent(t, agent, "./e2e/agent")
			if err := w.makeWarm(t, of, agent); err != nil {
				t.Fatal(err)
			}
			w.testWarm(t, of)
		})
	}
}

func (w *world) testWarm(t *testing.T, of layout.Layout) {
	config, kept := filepath.Join(w.dir, vm, "lima.yaml"), filepath.Join(w.dir, vm, lima.KeptConfig)
	before, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	refused := w.setup(t, "--agent", "builtin")
	if failure := refused.outcome().Error; refused.code != 2 || failure == nil || len(refused.steps()) > 0 ||
		!strings.Contains(failure.What, "was made by lima-warm.sh") || !strings.Contains(failure.Why, of.Service()) {
		t.Errorf("without consent: exit code %d, error %+v, steps %v", refused.code, failure, refused.steps())
	}
	adopting := w.setup(t, "--agent", "builtin", "--adopt", vm)
	adopting.wantReady(t)
	if !slices.Contains(adopting.steps(), provision.StepConfigure) {
		t.Errorf("the steps were %v", adopting.steps())
	}
	if text, err := os.ReadFile(kept); string(text) != string(before) {
		t.Errorf("%s: %v, and it is not what lima.yaml was", kept, err)
	}
	after, err := os.ReadFile(config)
	if err != nil || strings.Contains(string(after), "PartOf") || !strings.Contains(string(after), "echo 'after it' >>") {
		t.Errorf("%v, lima.yaml is now\n%s", err, after)
	}
	for range 3 {
		w.restart(t)
		if r := w.run(t, "status", "--json", "--profile", w.rig.profile, w.project, "--agent", "builtin"); r.code != 0 {
			t.Errorf("after a restart, status exits with %d\n%s%s", r.code, r.stdout, r.stderr)
		}
	}
	if r := w.setup(t, "--agent", "builtin"); r.code != 0 || len(r.steps()) > 0 {
		t.Errorf("after the restarts: exit code %d, steps %v", r.code, r.steps())
	}

	// lima-warm.sh compares the marker and, where the project is mounted, a file of it, and where one differs it stops and
	// deletes the VM, whatever comes of that, and makes another one.
	if got := w.root(t, "cat /etc/substrate-lima-layout "+of.Project()+"/docs/read.me"); got != of.Marker+"\nhello" {
		t.Errorf("the marker and the project are %q", got)
	}
	for _, command := range [][]string{
		{"delete", vm}, {"delete", "--force", vm},
		{"start", "--tty=false", "--name", vm, filepath.Join(w.files(), "warm.yaml")},
	} {
		_ = w.limactl(t, "stop", vm)
		if r := w.limactl(t, command...); r.code == 0 {
			t.Errorf("limactl %v did not refuse", command)
		}
	}
	w.restart(t)
	w.setup(t, "--agent", "builtin").wantReady(t)

	_ = w.limactl(t, "stop", vm)
	if err := errors.Join(os.Rename(kept, config), os.Remove(filepath.Join(w.dir, vm, "worldsetup-world")),
		failed(w.limactl(t, "unprotect", vm))); err != nil {
		t.Fatal(err)
	}
	w.restart(t)
	if got := w.root(t, "grep -c PartOf "+of.SocketPath()); got != "1" {
		t.Errorf("the script has not written its unit: %q", got)
	}
	if r := w.setup(t, "--agent", "builtin"); r.code != 2 {
		t.Errorf("after the way back: exit code %d", r.code)
	}
}

// restart has Lima restart the VM, which may be stopped.
func (w *world) restart(t *testing.T) {
	t.Helper()
	_ = w.limactl(t, "stop", vm)
	if r := w.limactl(t, "start", vm); r.code != 0 {
		t.Fatalf("limactl start: exit code %d\n%s", r.code, r.stderr)
	}
}
