package provision_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// decide writes a file that Lima reads for all VMs.
func (b *bench) decide(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(b.spec.LimaHome, "_config", name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFilesForAllVMsAreNeverFought: no edit is planned that could not hold, of a new VM nor of a running one.
func TestFilesForAllVMsAreNeverFought(t *testing.T) {
	home := os.Getenv("HOME")
	for name, test := range map[string]struct {
		file, text string
		cpus       int
		line       string
	}{
		"home writable": {"override.yaml", "# mine\nmounts:\n- location: " + home + "\n  writable: true\n", 0, ":3"},
		"processors":    {"override.yaml", "memory: 8GiB\ncpus: 2 # two\n", 3, ":2 has cpus: 2"},
		"plain":         {"default.yaml", "plain: true\n", 0, ":1 has plain: true"},
		"plain always":  {"override.yaml", "\nplain: true\n", 0, ":2 has plain: true"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			path := b.decide(t, test.file, test.text)
			b.spec.CPUs = test.cpus
			wantKind(t, b.run(t), provision.KindUsage, path+test.line, "remove line", path)
			if b.VM("substrate") != nil {
				t.Error("a VM was made")
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			b.spec.CPUs = 0
			b.mustRun(t)
			b.decide(t, test.file, test.text)
			b.spec.CPUs = test.cpus
			b.ForgetCalls()
			err := b.run(t)
			if test.file == "default.yaml" && err == nil {
				t.Error("a plain VM was found ready")
			}
			wantKind(t, err, provision.KindUsage, path+test.line)
			if changes := b.changes(); len(changes) > 0 {
				t.Errorf("changed: %v", changes)
			}
		})
	}
}

// TestFilesForAllVMsCount: what they decide is no drift, and is shown with its place.
func TestFilesForAllVMsCount(t *testing.T) {
	b := newBench(t)
	path := b.decide(t, "override.yaml", "cpus: 2\nprovision:\n- mode: system\n  script: 'true'\n")
	last := b.decide(t, "default.yaml", "memory: 6GiB\n")
	setup := b.setup()
	plan, err := setup.Plan(t.Context())
	want := []provision.Decision{
		{Key: "cpus", Value: "2", Where: path + ":1"}, {Key: "provision", Where: path + ":2"},
		{Key: "memory", Value: "6GiB", Where: last + ":1"},
	}
	if err != nil || !slices.Equal(plan.Decided, want) {
		t.Errorf("got %+v, %v", plan.Decided, err)
	}
	b.mustRun(t)
	text, err := os.ReadFile(filepath.Join(b.VMDir("substrate"), "lima.yaml"))
	if err != nil || strings.Contains(string(text), "memory") {
		t.Errorf("%v; the memory that default.yaml decides is in\n%s", err, text)
	}
	b.ForgetCalls()
	b.mustRun(t)
	if steps := b.steps(); len(steps) > 0 {
		t.Errorf("steps %v", steps)
	}
}

// TestEditsKeepTheRest: a configuration that a user edited differs by our own entries only, after however many edits.
func TestEditsKeepTheRest(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	path := filepath.Join(b.VMDir("substrate"), "lima.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	mine := "# Mine.\nnewer: {key:   1} # kept\n" + string(text)
	for _, cpus := range []string{"1", "2", "1"} {
		before := strings.Replace(mine, "cpus: 4", "cpus: 3 # few", 1)
		if err := os.WriteFile(path, []byte(before), 0o644); err != nil {
			t.Fatal(err)
		}
		b.spec.CPUs = int(cpus[0] - '0')
		b.mustRun(t)
		got, err := os.ReadFile(path)
		if want := strings.Replace(before, "cpus: 3", "cpus: "+cpus, 1); err != nil || string(got) != want {
			t.Errorf("%v; got\n%s\nwant\n%s", err, got, want)
		}
	}
}

// TestOneDirectoryByTwoNames: HOME and the project by other names are no drift.
func TestOneDirectoryByTwoNames(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	links := t.TempDir()
	home, project := filepath.Join(links, "home"), filepath.Join(links, "project")
	if err := errors.Join(os.Symlink(os.Getenv("HOME"), home), os.Symlink(b.spec.Project, project)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{home, os.Getenv("HOME") + "/"} {
		t.Setenv("HOME", name)
		b.spec.Project = project
		b.mustRun(t)
		if steps := b.steps(); len(steps) > 0 {
			t.Errorf("HOME=%s: steps %v", name, steps)
		}
	}
}

func TestProfilesThatCannotBeAWorld(t *testing.T) {
	b := newBench(t)
	b.spec.Profile = filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(b.spec.Profile, []byte("images: [{location: /x}]\nplain: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantKind(t, b.run(t), provision.KindUsage, b.spec.Profile, "plain")
	if b.VM("substrate") != nil {
		t.Error("a VM was made")
	}
}
