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

// saves is a saving of --cpus 2 --agent builtin for a project, and an app that does it.
func saves(t *testing.T, project string) (*app, *saving) {
	t.Helper()
	a := &app{out: &strings.Builder{}, person: terminal{nil, os.Stderr}}
	spec := provision.Spec{Project: project, CPUs: 2, Agent: "builtin"}
	var answers []answer
	for _, setting := range settings() {
		switch setting.flag {
		case "agent":
			answers = append(answers, answer{setting, "builtin", fromFlag, "--agent"})
		case "cpus":
			answers = append(answers, answer{setting, "2", fromFlag, "--cpus"})
		case "memory":
			answers = append(answers, answer{setting, "4GiB", fromUserFile, "x:1"})
		}
	}
	s, err := a.newSaving(spec, answers)
	if err != nil {
		t.Fatal(err)
	}
	return a, s
}

// settingsIn are the lines of a file that are no comments.
func settingsIn(t *testing.T, project string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(project, "worldsetup.yaml"))
	if errors.Is(err, os.ErrNotExist) {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			kept = append(kept, strings.TrimSpace(line))
		}
	}
	return strings.Join(kept, "; ")
}

// Only a run that has taken its answers keeps them.
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
		if ended := a.end(s, err); ended != err {
			t.Errorf("%q became %v", kind, ended)
		}
		if want[kind] == "" {
			want[kind] = "none"
		}
		if got := settingsIn(t, project); got != want[kind] {
			t.Errorf("after %q: %s, want %s", kind, got, want[kind])
		}
	}
}

// What was chosen in the course of a run is what is kept, in the project that was chosen.
func TestSaveWhatWasChosen(t *testing.T) {
	project, other := t.TempDir(), t.TempDir()
	a, s := saves(t, project)
	s.chosen = provision.Choices{Project: project, CPUs: "3", Disk: "40GiB"}
	if err := a.end(s, nil); err != nil || settingsIn(t, project) != "cpus: 3; disk: 40GiB" {
		t.Errorf("%v: %s", err, settingsIn(t, project))
	}
	s.chosen = provision.Choices{Project: other, Agent: filepath.Join(other, "a b"), Size: "dev"}
	if err := a.end(s, nil); err != nil || settingsIn(t, other) != `agent: "./a b"; size: dev` {
		t.Errorf("%v: %s", err, settingsIn(t, other))
	}
	if path, err := keepChoices(provision.Choices{Project: project, Memory: "8GiB"}); err != nil || path != filepath.Join(project, "worldsetup.yaml") || settingsIn(t, project) != "memory: 8GiB" {
		t.Errorf("%s, %v: %s", path, err, settingsIn(t, project))
	}
}

// A world that was made and choices that could not be kept: that is said, as a step that failed.
func TestSaveFails(t *testing.T) {
	project := t.TempDir()
	a, s := saves(t, project)
	if err := os.WriteFile(filepath.Join(project, "worldsetup.yaml"), []byte("{vm: a}"), 0o644); err != nil {
		t.Fatal(err)
	}
	failure := provision.AsError(a.end(s, nil))
	if failure == nil || failure.Kind != provision.KindProvisioning || !strings.Contains(failure.Why, "does not change") {
		t.Errorf("%+v", failure)
	}
	stopped := &provision.Error{Kind: provision.KindUnhealthy, What: "x"}
	if err := a.end(s, stopped); provision.AsError(err) != stopped {
		t.Errorf("the run's own error is %v", err)
	}
}

// ctrl+s in the wizard keeps choices at once.
func TestWizardKeeps(t *testing.T) {
	project, err := os.MkdirTemp("", "keeps") // where somebody else than root may go
	if err := errors.Join(err, os.Chmod(project, 0o777)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(project) })
	c := start(t, 100, 40, func(command *exec.Cmd) {
		command.Env = append(command.Env, "PATH=/nowhere") // no limactl
	}, "--cpus", "2", project)
	c.see("c choices")
	c.press("c")
	c.see("Looks good", "ctrl+s save")
	c.press("\x13")
	c.see("Saved in")
	c.press("\x1b")
	c.see("c choices")
	c.press("q")
	c.end()
	if got := settingsIn(t, project); got != "cpus: 2" {
		t.Error(got)
	}
}
