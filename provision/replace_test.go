package provision_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

const oldVM = "substrate.ws-old"

// emit writes words into the guest that only its disk keeps, so that it can be distinguished from others.
func (b *bench) emit(t *testing.T, words string) {
	t.Helper()
	b.VM("substrate").Put("/root/words", words)
}

// holds reports whether the VM is the one into which words were written.
func (b *bench) holds(name, words string) bool {
	vm := b.VM(name)
	return vm != nil && strings.Contains(vm.Fingerprint(), "/root/words") == (words != "")
}

// only wants these VMs to be all that Lima's home holds.
func (b *bench) only(t *testing.T, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(b.spec.LimaHome)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "_") { // Lima's own, and the locks
			have = append(have, entry.Name())
		}
	}
	if !slices.Equal(have, names) {
		t.Errorf("Lima's home holds %v, want %v", have, names)
	}
}

// replacing is a bench with a world, and the consent to replace it.
func replacing(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.World = fake.New(fake.Options{LimaHome: b.spec.LimaHome, Missing: []string{}, Patience: 5 * time.Millisecond})
	t.Cleanup(b.World.Close)
	b.mustRun(t)
	b.emit(t, "old")
	b.spec.Replace = "substrate"
	b.ForgetCalls()
	return b
}

// TestReplace: everything that can fail comes before the old VM is stopped, and its removal comes last.
func TestReplace(t *testing.T) {
	b := replacing(t)
	b.mustRun(t)
	steps := b.steps()
	want := []provision.StepID{
		provision.StepReplaceCreate, provision.StepReplaceStop, provision.StepReplaceBackup,
		provision.StepReplacePlace, provision.StepStart,
		provision.StepDirectories, provision.StepUnits, provision.StepAgent, provision.StepActivate,
		provision.StepMarker, provision.StepReplaceRemove,
	}
	if have := slices.DeleteFunc(steps,
		func(id provision.StepID) bool { return id == provision.StepWaitForBoot }); !slices.Equal(have, want) {
		t.Errorf("the steps were %v, want %v", have, want)
	}
	b.only(t, "substrate")
	if b.holds("substrate", "old") {
		t.Error("it is the old one")
	}
	b.spec.Replace = ""
	b.mustRun(t)
	if len(b.steps()) > 0 {
		t.Errorf("the next run did %v", b.steps())
	}
}

// TestReplaceNeedsConsent: what only another VM repairs changes nothing without it, and names the flag.
func TestReplaceNeedsConsent(t *testing.T) {
	b := replacing(t)
	b.spec.Replace, b.spec.Disk = "", 5<<30
	wantKind(t, b.run(t), provision.KindReplacement, "never shrinks", "--replace=substrate")
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("it changed %v", changes)
	}
	b.spec.Replace = "substrate"
	plan, err := b.setup().Plan(t.Context())
	if err != nil || plan.Err() != nil || len(plan.Replace) != 1 || !plan.Steps[len(plan.Steps)-1].Destroys {
		t.Errorf("the plan is %+v, %v", plan, err)
	}
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("planning changed %v", changes)
	}
	b.mustRun(t)
	b.only(t, "substrate")
}

// TestAnotherProcessor: a profile for another one is no edit.
func TestAnotherProcessor(t *testing.T) {
	b := replacing(t)
	b.spec.Replace, b.spec.Profile = "", filepath.Join(t.TempDir(), "profile.yaml")
	arch := map[string]string{"amd64": "aarch64", "arm64": "x86_64"}[platform.Arch()]
	if err := os.WriteFile(b.spec.Profile, []byte("arch: "+arch+"\nimages:\n- location: /image\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantKind(t, b.run(t), provision.KindReplacement, arch+" is needed")
}

// TestConsentIsForOneName: another name is no consent, and nothing is observed.
func TestConsentIsForOneName(t *testing.T) {
	for _, name := range []string{"other", "Substrate", "substrate ", "y", "yes", "true"} {
		b := replacing(t)
		b.spec.Replace = name
		wantKind(t, b.run(t), provision.KindUsage, name)
		b.spec.Replace, b.spec.Remove = "", name
		wantKind(t, b.setup().Remove(t.Context()), provision.KindUsage, name)
		if len(b.Calls()) > 0 {
			t.Errorf("%q: %v", name, b.Calls())
		}
	}
}

// TestConsentIsForOneDeed: the consent to one of replacing, restoring and removing is none to another.
func TestConsentIsForOneDeed(t *testing.T) {
	deeds := map[string]func(*provision.Setup) error{
		"replace": func(s *provision.Setup) error { _, err := s.Run(t.Context()); return err },
		"restore": func(s *provision.Setup) error { _, err := s.Restore(t.Context()); return err },
		"remove":  func(s *provision.Setup) error { return s.Remove(t.Context()) },
	}
	for name, do := range deeds {
		b := kept(t)
		b.spec.Replace, b.spec.Restore, b.spec.Remove = "substrate", "substrate", "substrate"
		switch name {
		case "replace":
			b.spec.Replace, b.spec.Disk = "", 5<<30 // only another VM has such a disk
		case "restore":
			b.spec.Restore = ""
		case "remove":
			b.spec.Remove = ""
		}
		b.ForgetCalls()
		err := do(b.setup())
		wantKind(t, err, provision.KindReplacement)
		b.unchanged(t)
	}
}

// TestRefusedReplacement: protected and foreign VMs are left alone, whatever the consent, and the way to lift that is
// reported.
func TestRefusedReplacement(t *testing.T) {
	t.Run("protected", func(t *testing.T) {
		b := replacing(t)
		path, later := filepath.Join(b.VMDir("substrate"), "protected"), time.Now().Add(time.Hour)
		if err := os.Chtimes(path, later, later); err != nil { // worldsetup's own was lifted, and another one is there
			t.Fatal(err)
		}
		wantKind(t, b.run(t), provision.KindUsage, "not by worldsetup", "limactl unprotect substrate")
		wantKind(t, b.removeErr(t), provision.KindUsage, "limactl unprotect substrate")
		if changes := b.changes(); len(changes) > 0 {
			t.Errorf("it changed %v", changes)
		}
	})
	t.Run("foreign", func(t *testing.T) {
		b := newBench(t)
		b.spec.Replace = "substrate"
		b.create(t, "substrate", "images:\n- location: /image\n")
		b.ForgetCalls()
		wantKind(t, b.run(t), provision.KindUsage, "not a world", "--adopt=substrate",
			"limactl rename substrate OTHER")
		wantKind(t, b.removeErr(t), provision.KindUsage, "not a world")
		if changes := b.changes(); len(changes) > 0 {
			t.Errorf("it changed %v", changes)
		}
	})
	t.Run("one is kept already", func(t *testing.T) {
		b := replacing(t)
		b.spec.KeepOld = true
		b.mustRun(t)
		wantKind(t, b.run(t), provision.KindUsage, oldVM, "worldsetup restore")
	})
}

// TestKeepAndRestore: the kept VM comes back as it was, with consent, and the other one goes or is kept in its turn.
func TestKeepAndRestore(t *testing.T) {
	b := replacing(t)
	b.spec.KeepOld = true
	b.mustRun(t)
	b.only(t, "substrate", oldVM)
	if !b.holds(oldVM, "old") || b.holds("substrate", "old") {
		t.Fatal("the wrong one was kept")
	}
	b.spec.Replace = ""
	b.ForgetCalls()
	_, err := b.setup().Restore(t.Context())
	wantKind(t, err, provision.KindReplacement, "--replace=substrate")
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("without consent it changed %v", changes)
	}
	b.spec.Restore = "substrate"
	for _, keep := range []bool{true, false} {
		b.spec.KeepOld = keep
		if health, err := b.setup().Restore(t.Context()); err != nil || !health.Ready {
			t.Fatalf("keeping %v: %+v, %v", keep, health.Items, err)
		}
		if b.holds("substrate", "old") != keep {
			t.Errorf("keeping %v: the wrong one was restored", keep)
		}
	}
	b.only(t, "substrate")
	_, err = b.setup().Restore(t.Context())
	wantKind(t, err, provision.KindUsage, "no old VM is kept")
}

// TestRemove: everything of the world goes, and nothing else; without consent nothing does.
func TestRemove(t *testing.T) {
	b := replacing(t)
	b.spec.KeepOld = true
	b.mustRun(t)
	b.create(t, "other", "images:\n- location: /image\n")
	b.spec.Replace = ""
	b.ForgetCalls()
	wantKind(t, b.setup().Remove(t.Context()), provision.KindReplacement, "--remove=substrate")
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("without consent it changed %v", changes)
	}
	b.spec.Remove = "substrate"
	for range 2 { // the second time there is nothing to remove
		if err := b.setup().Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.only(t, "other")
		left, err := os.ReadDir(b.spec.StateDir)
		if err != nil || len(left) != 1 || left[0].Name() != "durations.json" { // which is about this machine
			t.Errorf("the state directory holds %v, %v", left, err)
		}
		if left, _ := filepath.Glob(filepath.Join(b.spec.LimaHome, "_worldsetup*")); len(left) > 0 {
			t.Errorf("Lima's home holds %v", left)
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
	if err := b.removeErr(t); err != nil {
		t.Error(err)
	}
	b.only(t)
}

func (b *bench) create(t *testing.T, name, profile string) {
	t.Helper()
	if err := (lima.Client{Runner: b.World}).Create(t.Context(), name, []byte(profile), nil); err != nil {
		t.Fatal(err)
	}
}
