package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// saves returns a saver of --cpus 2 --agent builtin for a project, and its app.
func saves(t *testing.T, project string) (*app, *saver) {
	t.Helper()
	a := &app{out: &strings.Builder{}, person: terminal{nil, os.Stderr}, getenv: func(string) string { return "" }}
	spec := provision.Spec{Project: project, CPUs: 2, Agent: "builtin", StateDir: t.TempDir()}
	s, err := a.newSaver(spec, []value{
		{"agent", "builtin", fromFlag, "--agent"}, {"cpus", "2", fromFlag, "--cpus"},
		{"memory", "4GiB", fromUserFile, "x:1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, s
}

// linesIn returns the lines of a project's file that are not comments.
func linesIn(t *testing.T, project string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(project, "worldsetup.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	var saved []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			saved = append(saved, strings.TrimSpace(line))
		}
	}
	return strings.Join(saved, "; ")
}

// Only a run that went ahead saves its values.
func TestSaveAfterRuns(t *testing.T) {
	const all = "agent: builtin; cpus: 2"
	want := map[string]string{"provisioning": all, "unhealthy": all}
	for _, kind := range append(constants(t, "finding/finding.go", "Kind"), "") {
		project := t.TempDir()
		a, s := saves(t, project)
		var err error
		if kind != "" {
			err = &provision.Error{Kind: provision.Kind(kind)}
		} else {
			want[kind] = all
		}
		if finished := a.finish(s, err); finished != err {
			t.Errorf("%q became %v", kind, finished)
		}
		if want[kind] == "" {
			want[kind] = "none"
		}
		if got := linesIn(t, project); got != want[kind] {
			t.Errorf("after %q: %s, want %s", kind, got, want[kind])
		}
	}
}

// The choices that were made during a run are saved, in the project that was chosen.
func TestSaveChoices(t *testing.T) {
	project, other := t.TempDir(), t.TempDir()
	a, s := saves(t, project)
	s.chosen = provision.Choices{Project: project, CPUs: "3", Disk: "40GiB"}
	if err := a.finish(s, nil); err != nil || linesIn(t, project) != "cpus: 3; disk: 40GiB" {
		t.Errorf("%v: %s", err, linesIn(t, project))
	}
	s.chosen = provision.Choices{Project: other, Agent: filepath.Join(other, "a b"), Size: "dev"}
	if err := a.finish(s, nil); err != nil || linesIn(t, other) != `agent: "./a b"; size: dev` {
		t.Errorf("%v: %s", err, linesIn(t, other))
	}
	if path, err := a.saveChoices(provision.Choices{Project: project, Memory: "8GiB"}, t.TempDir()); err != nil ||
		path != filepath.Join(project, "worldsetup.yaml") || linesIn(t, project) != "memory: 8GiB" {
		t.Errorf("%s, %v: %s", path, err, linesIn(t, project))
	}
}

// A run that worked, with values that could not be saved, fails like a step.
func TestSaveFails(t *testing.T) {
	project := t.TempDir()
	a, s := saves(t, project)
	if err := os.WriteFile(filepath.Join(project, "worldsetup.yaml"), []byte("{vm: a}"), 0o644); err != nil {
		t.Fatal(err)
	}
	failure := provision.AsError(a.finish(s, nil))
	if failure == nil || failure.Kind != provision.KindProvisioning || !strings.Contains(failure.Why, "can't edit") {
		t.Errorf("%+v", failure)
	}
	stopped := &provision.Error{Kind: provision.KindUnhealthy, What: "x"}
	if err := a.finish(s, stopped); provision.AsError(err) != stopped {
		t.Errorf("the run's own error is %v", err)
	}
}

// ctrl+s in the wizard saves choices at once.
func TestWizardSaves(t *testing.T) {
	project, err := os.MkdirTemp("", "saves") // with access for users other than root
	if err := errors.Join(err, os.Chmod(project, 0o777)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(project) })
	c := start(t, 100, 40, func(command *exec.Cmd) {
		command.Env = append(command.Env, "PATH=/nowhere", // no limactl
			"XDG_STATE_HOME="+filepath.Join(project, "state")) // what was saved is kept there
	}, "--cpus", "2", project)
	c.see("c change")
	c.settle()
	c.press("c")
	c.see("You can use these", "ctrl+s save")
	c.press("\x13")
	c.see("Saved in")
	c.press("\x1b")
	c.see("c change")
	c.press("q")
	c.end()
	if got := linesIn(t, project); got != "cpus: 2" {
		t.Error(got)
	}
}
