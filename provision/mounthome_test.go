package provision_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// showsHome reports whether a VM's lima.yaml mounts the home directory.
func (b *bench) showsHome(t *testing.T, vm string) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.VMDir(vm), "lima.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	profile, err := lima.ParseProfile(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, mount := range profile.Mounts {
		if lima.Contains(mount.Location, os.Getenv("HOME")) {
			return true
		}
	}
	return false
}

// idle wants a run to do nothing and find the world ready.
func (b *bench) idle(t *testing.T) {
	t.Helper()
	b.mustRun(t)
	if steps := b.steps(); len(steps) > 0 {
		t.Errorf("steps %v", steps)
	}
}

// homeItem is the line of the report about the home directory.
func (b *bench) homeItem(t *testing.T) provision.Item {
	t.Helper()
	health, err := b.setup().Status(t.Context())
	at := slices.IndexFunc(health.Items, func(item provision.Item) bool { return item.ID == "mount-home" })
	if at < 0 {
		t.Fatalf("%v; no line is about the home directory: %+v", err, health.Items)
	}
	return health.Items[at]
}

// TestHomeLeftOut: the choice holds for a world until there is another one, in each run and through a replacement.
func TestHomeLeftOut(t *testing.T) {
	b := newBench(t)
	b.spec.MountHome = provision.Off
	plan, err := b.setup().Plan(t.Context())
	if err != nil || !plan.HomeLeftOut {
		t.Errorf("the plan is %+v, %v", plan, err)
	}
	b.mustRun(t)
	for _, choice := range []provision.Switch{provision.Off, provision.Unset} {
		b.spec.MountHome = choice
		b.idle(t)
		if item := b.homeItem(t); item.Outcome != provision.OK || item.Found != "left out" || b.showsHome(t, "substrate") {
			t.Errorf("the report says %+v", item)
		}
	}
	b.spec.CPUs = 2
	b.mustRun(t)
	if b.showsHome(t, "substrate") {
		t.Error("another change of the configuration mounts it")
	}
	b.spec.Replace, b.spec.KeepOld = "substrate", true
	b.mustRun(t)
	b.spec.Replace = ""
	b.idle(t)
	if b.showsHome(t, "substrate") {
		t.Error("the VM in its place mounts it")
	}
	b.spec.MountHome = provision.On
	b.mustRun(t)
	b.spec.MountHome = provision.Unset
	b.idle(t)
	if item := b.homeItem(t); item.Outcome != provision.OK || !b.showsHome(t, "substrate") {
		t.Errorf("it is not mounted again: %+v", item)
	}
	if err := b.restoreErr(t); err != nil {
		t.Fatal(err)
	}
	if b.showsHome(t, "substrate") {
		t.Error("the VM that was restored mounts it")
	}
	b.idle(t)
}

// TestHomeLeftOutLater: for a world that is there, either choice is an edit of its configuration with a restart.
func TestHomeLeftOutLater(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.decide(t, "base.yaml", "mounts:\n- location: \"~\"\n") // it is about VMs that are made later
	for choice, reason := range map[provision.Switch]string{
		provision.Off: "your home directory is to be left out", provision.On: "is not mounted read-only",
	} {
		b.spec.MountHome = provision.Off + provision.On - choice
		b.mustRun(t)
		b.spec.MountHome = choice
		plan, err := b.setup().Plan(t.Context())
		at := slices.IndexFunc(plan.Steps, func(step provision.Step) bool { return step.ID == provision.StepConfigure })
		if err != nil || at < 0 || !strings.Contains(plan.Steps[at].Reason, reason) ||
			plan.Disruption() != provision.DisruptionRestart {
			t.Fatalf("the plan is %+v, %v", plan.Steps, err)
		}
		b.mustRun(t)
		b.spec.MountHome = provision.Unset
		b.idle(t)
		if b.showsHome(t, "substrate") != (choice == provision.On) {
			t.Errorf("%v: it is mounted: %v", choice, b.showsHome(t, "substrate"))
		}
	}
}

// TestHomeLeftOutIsKept: a choice that changes no mount is kept without a restart.
func TestHomeLeftOutIsKept(t *testing.T) {
	b := newBench(t)
	b.spec.MountHome = provision.Off
	b.mustRun(t)
	path := filepath.Join(b.VMDir("substrate"), "lima.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.SplitAfter(string(text), "\n"),
		func(line string) bool { return lima.HomeLeftOut([]byte(line)) })
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t)
	if steps := b.steps(); !slices.Equal(steps, []provision.StepID{provision.StepConfigure}) {
		t.Errorf("steps %v", steps)
	}
	b.spec.MountHome = provision.Unset
	b.idle(t)
}

// TestHomeLeftOutAndShown: a guest that still shows it is no world that is ready, whatever lima.yaml says.
func TestHomeLeftOutAndShown(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	path := filepath.Join(b.VMDir("substrate"), "lima.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wanted := lima.Wanted{Home: os.Getenv("HOME"), NoHome: true, Project: b.spec.Project}
	edited, err := wanted.Edit(text, b.VMDir("substrate"))
	if err := errors.Join(err, os.WriteFile(path, edited, 0o644)); err != nil {
		t.Fatal(err)
	}
	if item := b.homeItem(t); item.Outcome != provision.Failed || item.Cost != provision.DisruptionRestart {
		t.Errorf("the report says %+v", item)
	}
	b.mustRun(t)
	if steps := b.steps(); !slices.Contains(steps, provision.StepStop) {
		t.Errorf("steps %v", steps)
	}
	b.idle(t)
}

// TestHomeLeftOutIsRefused: what would show it all the same is refused before anything is changed.
func TestHomeLeftOutIsRefused(t *testing.T) {
	for name, refuse := range map[string]func(*bench){
		"the project": func(b *bench) { b.spec.Project = os.Getenv("HOME") },
		"above it":    func(b *bench) { b.spec.Project = filepath.Dir(os.Getenv("HOME")) },
		"base.yaml":   func(b *bench) { b.decide(t, "base.yaml", "mounts:\n- location: \"~\"\n") },
		"default.yaml": func(b *bench) {
			b.decide(t, "default.yaml", "mounts:\n- location: "+os.Getenv("HOME")+"\n  mountPoint: /h\n")
		},
	} {
		b := newBench(t)
		refuse(b)
		b.spec.MountHome = provision.Off
		err := b.run(t)
		wantKind(t, err, provision.KindUsage, "out")
		if b.VM("substrate") != nil {
			t.Errorf("%s: a VM was made", name)
		}
	}
}
