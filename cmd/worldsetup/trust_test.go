package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/provision"
)

// untrusted returns a project of a stranger, which names another VM.
func untrusted(t *testing.T, text string) string {
	t.Helper()
	project, err := os.MkdirTemp("", "trust") // with access for users other than root
	if err := errors.Join(err, os.Chmod(project, 0o777)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(project) })
	path := filepath.Join(project, config.Name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	return project
}

// On a terminal, the question comes before the wizard opens.
func TestTrustIsAskedBeforeTheWizard(t *testing.T) {
	project := untrusted(t, "vm: other\n")
	noLima := func(command *exec.Cmd) {
		command.Env = append(command.Env, "PATH=/nowhere", "XDG_STATE_HOME="+filepath.Join(project, "state"))
	}
	c := start(t, 200, 40, noLima, project)
	c.see("worldsetup.yaml is not trusted yet", "vm: other (another VM)", "trust it? [y/N]")
	c.press("n\n")
	c.see("Nothing was changed")
	c.end()
	c = start(t, 200, 40, noLima, project)
	c.see("trust it? [y/N]")
	c.press("y\n")
	c.see("c change")
	c.settle()
	c.press("q")
	c.end()
}

// A saved flag makes no stranger's file this user's own: what was in it, and was beaten by a variable, is asked about.
func TestSavingTrustsOnlyWhatIsOwn(t *testing.T) {
	for _, test := range []struct {
		before  string
		changes []config.Value
		trusted bool
	}{
		{"vm: other\n", []config.Value{{Key: "cpus", Text: "2"}}, false},
		{"vm: other\n", []config.Value{{Key: "vm", Text: "mine"}}, true},
		{"cpus: 3\n", []config.Value{{Key: "vm", Text: "mine"}}, true},
		{"vm: other\nimage: http://x/y\n", []config.Value{{Key: "vm", Text: "mine"}}, false},
	} {
		project := t.TempDir()
		path, state := filepath.Join(project, config.Name), t.TempDir()
		if err := os.WriteFile(path, []byte(test.before), 0o644); err != nil {
			t.Fatal(err)
		}
		a := &app{getenv: func(string) string { return "" }}
		if err := a.saveFile(path, state, test.changes); err != nil {
			t.Fatal(err)
		}
		file, err := config.Read(path, fileKeys())
		if err != nil {
			t.Fatal(err)
		}
		if found := a.newClaim(file, state); found.Trusted != test.trusted {
			t.Errorf("%q with %v: trusted %v", test.before, test.changes, found.Trusted)
		}
	}
}

// The engine uses the profile that was trusted, and no other that takes its place meanwhile.
func TestTrustedProfileStays(t *testing.T) {
	project := t.TempDir()
	profile := filepath.Join(project, "lima.yaml")
	for name, text := range map[string]string{"lima.yaml": "cpus: 2\n", config.Name: "profile: lima.yaml\n"} {
		if err := os.WriteFile(filepath.Join(project, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	state := t.TempDir()
	a := &app{getenv: func(string) string { return "" }}
	file, err := config.Read(filepath.Join(project, config.Name), fileKeys())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.newClaim(file, state).keep(); err != nil {
		t.Fatal(err)
	}
	c := invocation{
		spec: provision.Spec{Project: project, Profile: profile, StateDir: state}, file: file,
		values: []value{{"profile", profile, fromProjectFile, file.Path + ":1"}},
	}
	if c, err = a.requireTrust(t.Context(), c); err != nil || !strings.HasPrefix(c.spec.ProfileDigest, "sha256:") {
		t.Fatalf("%q, %v", c.spec.ProfileDigest, err)
	}
}

// Each source can leave the home directory out; only a project's file needs trust, and only to mount it.
func TestMountHome(t *testing.T) {
	const variable = "WORLDSETUP_MOUNT_HOME"
	for _, test := range []struct {
		environment string
		args        []string
		want        provision.Switch
	}{
		{"", nil, provision.Unset},
		{"no", nil, provision.Off}, {"1", nil, provision.On},
		{"", []string{"--mount-home=no"}, provision.Off}, {"", []string{"--mount-home"}, provision.On},
		{"no", []string{"--mount-home=yes"}, provision.On},
	} {
		spec, err := choose(t, map[string]string{variable: test.environment}, test.args...)
		if err != nil || spec.MountHome != test.want {
			t.Errorf("%q %v: %v, error %v, want %v", test.environment, test.args, spec.MountHome, err, test.want)
		}
	}
	a := &app{getenv: func(string) string { return "" }}
	for text, asks := range map[string]bool{"mount-home: false\n": false, "mount-home: true\n": true} {
		path := filepath.Join(t.TempDir(), config.Name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		file, err := config.Read(path, fileKeys())
		if err != nil {
			t.Fatal(err)
		}
		if claim := a.newClaim(file, t.TempDir()); (claim != nil) != asks {
			t.Errorf("%q: asks %v", text, claim)
		}
	}
}
