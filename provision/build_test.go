package provision_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// newWorkspace is a bench whose project is a Cargo workspace with an agent that answers.
func newWorkspace(t *testing.T, image fake.Image) *bench {
	t.Helper()
	b := newBench(t)
	image.Missing = []string{}
	b.World = fake.New(fake.Options{LimaHome: b.spec.LimaHome, Image: image})
	t.Cleanup(b.Close)
	b.spec.Agent = ""
	b.write(t, "Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n")
	b.write(t, "Cargo.lock", "version = 4\n[[package]]\nname = \"world-agent\"\nversion = \"0.1.0\"\n")
	b.write(t, "crates/agent/Cargo.toml", "[package]\nname = \"world-agent\"\nrust-version = \"1.70\"\n")
	b.write(t, "crates/agent/src/main.rs", "// it answers\n")
	return b
}

func (b *bench) write(t *testing.T, path, text string) {
	t.Helper()
	path = filepath.Join(b.spec.Project, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// logged says whether a line of a tool had these words.
func (b *bench) logged(words string) bool {
	return slices.ContainsFunc(b.events, func(e provision.Event) bool {
		return e.Type == provision.EventLog && strings.Contains(e.Message, words)
	})
}

// built is where the guest builds, which must be gone.
func (b *bench) wantNothingLeft(t *testing.T) {
	t.Helper()
	if print := b.VM("substrate").Fingerprint(); strings.Contains(print, "worldsetup-build") {
		t.Errorf("the build was left behind:\n%s", print)
	}
}

// TestBuild: an agent from the project's workspace is built after the boot, installed and verified; then it is enough
// that it is there, and --rebuild-agent takes up what was changed.
func TestBuild(t *testing.T) {
	b := newWorkspace(t, fake.Image{Cargo: "1.80"})
	b.mustRun(t)
	steps := b.steps()
	build, settle := slices.Index(steps, provision.StepAgentBuild), slices.Index(steps, provision.StepWaitForBoot)
	if build < settle || build+1 != slices.Index(steps, provision.StepAgent) ||
		build+2 != slices.Index(steps, provision.StepActivate) {
		t.Errorf("the steps were %v", steps)
	}
	if !b.logged("Compiling world-agent") {
		t.Error("cargo's output was not told")
	}
	b.wantNothingLeft(t)

	b.write(t, "crates/agent/src/main.rs", "// it answers, and more\n")
	b.mustRun(t)
	if steps := b.steps(); len(steps) > 0 {
		t.Errorf("the agent was there, and the steps were %v", steps)
	}
	b.spec.RebuildAgent = true
	b.mustRun(t)
	if steps := b.steps(); !slices.Equal(steps,
		[]provision.StepID{provision.StepAgentBuild, provision.StepAgent, provision.StepActivate}) {
		t.Errorf("rebuilding took %v", steps)
	}
	// what a run would do again is nothing amiss
	if health, err := b.setup().Status(t.Context()); err != nil || !health.Ready {
		t.Errorf("%v: %+v", err, health.Drift)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_ = b.setup().Watch(ctx, func(health provision.Health) {
		if cancel(); !health.Ready {
			t.Errorf("the watch: %+v", health.Drift)
		}
	})
}

// TestBuildInstallsCargo: the guest has none, or an old one, and its distribution has one that will do.
func TestBuildInstallsCargo(t *testing.T) {
	for _, has := range []string{"", "1.65"} {
		b := newWorkspace(t, fake.Image{Cargo: has, OfferedCargo: "1.78"})
		b.mustRun(t)
		if !b.logged("Setting up cargo") {
			t.Errorf("with cargo %q: it was not installed", has)
		}
		b.wantNothingLeft(t)
	}
}

// TestBuildWithoutCargo: what the VM has and can have is too old, or cannot be fetched.
func TestBuildWithoutCargo(t *testing.T) {
	for name, test := range map[string]struct {
		image fake.Image
		kind  provision.Kind
		words []string
	}{
		"too old, and none better": {fake.Image{Cargo: "1.65", OfferedCargo: "1.75"}, provision.KindPrerequisite,
			[]string{"cargo 1.78 or later", "offers cargo 1.75", "rustup", "--agent FILE"}},
		"none": {fake.Image{}, provision.KindPrerequisite,
			[]string{"offers none", "rustc 1.70 or later"}},
		"no apt": {fake.Image{NoApt: true}, provision.KindPrerequisite, []string{"no apt-get"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorkspace(t, test.image)
			wantKind(t, b.run(t), test.kind, test.words...)
			if slices.Contains(b.steps(), provision.StepAgent) {
				t.Errorf("the steps were %v", b.steps())
			}
		})
	}
	b := newWorkspace(t, fake.Image{OfferedCargo: "1.80"})
	b.BeforeGuest = func(name string) error {
		if name == "build" {
			b.VM("substrate").Change(func(c *fake.Conditions) { c.Offline = true })
		}
		return nil
	}
	wantKind(t, b.run(t), provision.KindProvisioning, "cargo could not be installed",
		"Temporary failure", "apt-get update")
}

// TestBuildFails: the compiler's own last error is shown, the agent that was there stays, and the next run carries on.
func TestBuildFails(t *testing.T) {
	b := newWorkspace(t, fake.Image{Cargo: "1.80"})
	b.write(t, "crates/agent/src/main.rs", "compile_error!(\"it does not compile\"); // it answers\n")
	err := b.run(t)
	wantKind(t, err, provision.KindProvisioning, "could not be built", "error: it does not compile",
		"--> crates/world-agent/src/main.rs:1:1", "cargo build --release --locked -p world-agent")
	if strings.Contains(provision.AsError(err).Why, "could not compile") {
		t.Errorf("cargo's sum is no help: %s", provision.AsError(err).Why)
	}
	b.wantNothingLeft(t)
	b.write(t, "crates/agent/src/main.rs", "// it answers\n")
	b.mustRun(t)

	b.write(t, "crates/agent/src/main.rs", "compile_error!\n")
	b.spec.RebuildAgent = true
	wantKind(t, b.run(t), provision.KindProvisioning, "could not be built")
	b.spec.RebuildAgent = false
	b.mustRun(t)
	if len(b.steps()) > 0 {
		t.Errorf("the agent that was there did not stay: %v", b.steps())
	}
}

// TestBuiltAgentDoesNotAnswer: the one before it is put back.
func TestBuiltAgentDoesNotAnswer(t *testing.T) {
	b := newWorkspace(t, fake.Image{Cargo: "1.80"})
	b.mustRun(t)
	b.write(t, "crates/agent/src/main.rs", "// it ends\n")
	b.spec.RebuildAgent = true
	wantKind(t, b.run(t), provision.KindProvisioning, "does not answer", "restored and answers")
	b.spec.RebuildAgent = false
	b.mustRun(t)
}

// TestNotToBeBuilt: what asks for a build that cannot be is told before anything is changed.
func TestNotToBeBuilt(t *testing.T) {
	b := newWorkspace(t, fake.Image{Cargo: "1.80"})
	if err := os.Remove(filepath.Join(b.spec.Project, "Cargo.lock")); err != nil {
		t.Fatal(err)
	}
	wantKind(t, b.run(t), provision.KindPrerequisite, "no agent to put", "no Cargo.lock")
	b.spec.Agent = provision.AgentBuild
	wantKind(t, b.run(t), provision.KindUsage, "no agent can be built", "no Cargo.lock")
	b.spec.Agent, b.spec.RebuildAgent = provision.AgentBuiltin, true
	wantKind(t, b.run(t), provision.KindUsage, "no agent to rebuild", "--agent build")
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("it changed %v", changes)
	}
}

// TestBuildIsInterrupted: the run ends with the context, and with it the build's input.
func TestBuildIsInterrupted(t *testing.T) {
	b := newWorkspace(t, fake.Image{Cargo: "1.80"})
	ctx, cancel := context.WithCancel(t.Context())
	b.BeforeGuest = func(name string) error {
		if name == "build" {
			cancel()
			return &guest.ConnectionError{Route: guest.Shared, Err: ctx.Err()}
		}
		return nil
	}
	_, err := b.setup().Run(ctx)
	wantKind(t, err, provision.KindInterrupted, "build the agent in the VM")
	b.BeforeGuest = nil
	b.mustRun(t)
}
