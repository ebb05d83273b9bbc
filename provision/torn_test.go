package provision_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// TestTornRename: a `limactl rename` that was killed after any number of files leaves no VM at all. The next run has
// the old one again, with everything in it that Lima's rename loses.
func TestTornRename(t *testing.T) {
	files := map[string]string{
		"basedisk": "base", "cidata.iso": "", "serial.log": "log", "ssh.config": "config", "vz-efi": "efi",
		"vz-identifier": "id", "sub/file": "x",
	}
	for moved := 1; ; moved++ {
		b := replacing(t)
		b.spec.Replace = ""
		b.stop(t)
		for name, content := range files {
			path := filepath.Join(b.VMDir("substrate"), name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700),
				os.WriteFile(path, []byte(content), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		b.Faults.TornRename = moved
		if _, err := b.World.Run(t.Context(), lima.Command{Args: []string{"rename", "substrate", oldVM}}); err == nil {
			if moved < 10 {
				t.Fatalf("it was never torn after %d", moved)
			}
			return
		}
		b.Faults.TornRename = 0
		plan, err := b.setup().Plan(t.Context())
		if err != nil || len(plan.Steps) != 1 || plan.Steps[0].ID != provision.StepUndoRename {
			t.Fatalf("%d moved: the plan is %+v, %v", moved, plan, err)
		}
		b.mustRun(t)
		b.only(t, "substrate")
		for name, want := range files {
			content, err := os.ReadFile(filepath.Join(b.VMDir("substrate"), name))
			// those two are written anew
			if err != nil || name != "ssh.config" && name != "serial.log" && string(content) != want {
				t.Errorf("%d moved: %s holds %q, %v", moved, name, content, err)
			}
		}
		if !b.told("substrate", "old") {
			t.Errorf("%d moved: it is not the old VM", moved)
		}
	}
}

// TestTwoVMs: a kept VM that has lost its configuration is no half of the other one, and is left alone.
func TestTwoVMs(t *testing.T) {
	b := kept(t)
	b.spec.Replace = ""
	if err := os.Remove(filepath.Join(b.VMDir(oldVM), "lima.yaml")); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t)
	b.only(t, "substrate", oldVM)
	wantKind(t, b.restoreErr(t), provision.KindUsage, "no lima.yaml")
	b.spec.Replace = "substrate"
	if err := b.setup().Remove(t.Context()); err != nil {
		t.Error(err)
	}
	b.only(t)
}
