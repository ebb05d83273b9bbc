package provision_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// cargo stands for the one of a guest, by versions as in "1.75".
type cargo struct {
	bench        *bench
	has, offered string // offered by the distribution; empty for none
	fails        *guest.ScriptError
	built        []guest.Build
}

// withCargo is a way into a guest that can build.
type withCargo struct {
	guest.Client
	*cargo
}

func (c *cargo) guest(instance *limatype.Instance, of layout.Layout) guest.Client {
	return withCargo{c.bench.Guest(instance, of), c}
}

// called is what happens at each call.
func (c *cargo) called(name string) error {
	if c.bench.BeforeGuest != nil {
		return c.bench.BeforeGuest(name)
	}
	return nil
}

func failed(code int, stderr string) error {
	return &guest.ScriptError{Script: "build", ExitCode: code, Stderr: stderr + "\n"}
}

// Build takes the words of the project's main.rs for the program.
func (c withCargo) Build(_ context.Context, _ guest.Route, build guest.Build, line func(string)) ([]guest.Built,
	error) {
	if err := c.called("build"); err != nil {
		return nil, err
	}
	if c.has < max(build.Cargo, build.Rust) || c.has == "" {
		return nil, failed(guest.ExitNoToolchain, "no cargo that is new enough: "+c.has)
	}
	source, err := os.ReadFile(filepath.Join(c.bench.spec.Project, "crates/agent/src/main.rs"))
	if err != nil {
		return nil, err
	}
	line("   Compiling world-agent v0.1.0 (/src/crates/agent)")
	if strings.Contains(string(source), "compile_error!") {
		line("error: it does not compile\n --> crates/world-agent/src/main.rs:1:1\n")
		line("error: could not compile `world-agent` (bin \"world-agent\") due to 1 previous error")
		return nil, failed(101, "")
	}
	var all []guest.Built
	for _, target := range build.Targets {
		path, program := "/home/sam.guest/.cache/worldsetup-build/out/"+target.Name, "\x7fELF"+string(source)
		c.bench.VM("substrate").Put(path, program)
		all = append(all, guest.Built{Name: target.Name, Path: path,
			SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(program)))})
	}
	c.built = append(c.built, build)
	return all, nil
}

func (c withCargo) InstallCargo(_ context.Context, _ guest.Route, build guest.Build, line func(string)) error {
	switch {
	case c.fails != nil:
		return c.fails
	case c.offered == "":
		return failed(guest.ExitNoToolchain, "the distribution offers none")
	case c.offered < max(build.Cargo, build.Rust):
		return failed(guest.ExitNoToolchain, "the distribution offers cargo "+c.offered)
	}
	line("Setting up cargo (" + c.offered + ".0) ...")
	c.has = c.offered
	return nil
}

// newWorkspace is a bench whose project is a Cargo workspace with an agent that answers.
func newWorkspace(t *testing.T, cargo cargo) *bench {
	t.Helper()
	b := newBench(t)
	cargo.bench, b.cargo = b, &cargo
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

// logged reports whether a line of a tool had these words.
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
	b := newWorkspace(t, cargo{has: "1.80"})
	b.mustRun(t)
	steps := b.steps()
	build, boot := slices.Index(steps, provision.StepAgentBuild), slices.Index(steps, provision.StepWaitForBoot)
	if build < boot || build+1 != slices.Index(steps, provision.StepAgent) ||
		build+2 != slices.Index(steps, provision.StepActivate) {
		t.Errorf("the steps were %v", steps)
	}
	if !b.logged("Compiling world-agent") {
		t.Error("cargo's output was not reported")
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
	// what a run would do again is nothing wrong
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
		b := newWorkspace(t, cargo{has: has, offered: "1.78"})
		b.mustRun(t)
		if !b.logged("Setting up cargo") {
			t.Errorf("with cargo %q: it was not installed", has)
		}
		b.wantNothingLeft(t)
	}
}

// TestBuildWithoutCargo: what the VM has and can have is too old, or cannot be fetched.
func TestBuildWithoutCargo(t *testing.T) {
	offline := &guest.ScriptError{Script: "cargo", ExitCode: 100, Stderr: "E: Temporary failure resolving\n"}
	for name, test := range map[string]struct {
		cargo cargo
		kind  provision.Kind
		words []string
	}{
		"too old, and none better": {cargo{has: "1.65", offered: "1.75"}, provision.KindProvisioning,
			[]string{"cargo 1.78 or later", "offers cargo 1.75", "rustup", "--agent FILE"}},
		"none": {cargo{}, provision.KindProvisioning, []string{"offers none", "rustc 1.70 or later"}},
		"offline": {cargo{fails: offline}, provision.KindProvisioning,
			[]string{"cargo could not be installed", "Temporary failure", "apt-get update"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newWorkspace(t, test.cargo)
			wantKind(t, b.run(t), test.kind, test.words...)
			if slices.Contains(b.steps(), provision.StepAgent) {
				t.Errorf("the steps were %v", b.steps())
			}
		})
	}
}

// TestBuildFails: the compiler's own last error is shown, the agent that was there stays, and the next run carries on.
func TestBuildFails(t *testing.T) {
	b := newWorkspace(t, cargo{has: "1.80"})
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

// TestBuiltAgentDoesNotAnswer: the one before it is restored.
func TestBuiltAgentDoesNotAnswer(t *testing.T) {
	b := newWorkspace(t, cargo{has: "1.80"})
	b.mustRun(t)
	b.write(t, "crates/agent/src/main.rs", "// it ends\n")
	b.spec.RebuildAgent = true
	wantKind(t, b.run(t), provision.KindProvisioning, "does not answer", "restored and answers")
	b.spec.RebuildAgent = false
	b.mustRun(t)
}

// TestNotToBeBuilt: what asks for a build that cannot be is reported before anything is changed.
func TestNotToBeBuilt(t *testing.T) {
	b := newWorkspace(t, cargo{has: "1.80"})
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
	b := newWorkspace(t, cargo{has: "1.80"})
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

// TestBuildFromTheCopy: where the project is not mounted, its agent is built from the copy, which is there before that.
func TestBuildFromTheCopy(t *testing.T) {
	b := newWorkspace(t, cargo{has: "1.80"})
	b.write(t, "Cargo.lock", "version = 4\n[[package]]\nname = \"world-service\"\nversion = \"0.1.0\"\n")
	b.write(t, "crates/agent/Cargo.toml", "[package]\nname = \"world-service\"\nrust-version = \"1.70\"\n")
	b.spec.Agent, b.spec.Layout = provision.AgentBuild, layout.StagedV2.Name
	b.mustRun(t)
	steps := b.steps()
	if stage, build := slices.Index(steps, provision.StepStage), slices.Index(steps,
		provision.StepAgentBuild); stage < 0 ||
		build < stage {
		t.Errorf("the steps were %v", steps)
	}
	if len(b.cargo.built) != 1 || b.cargo.built[0].Project != layout.StagedV2.Current() {
		t.Errorf("it has built %+v", b.cargo.built)
	}
	b.wantNothingLeft(t)

	// What has changed is copied before it is built again.
	b.write(t, "crates/agent/src/main.rs", "// it answers again\n")
	b.spec.RebuildAgent = true
	b.mustRun(t)
	want := []provision.StepID{provision.StepStage, provision.StepAgentBuild, provision.StepAgent, provision.StepActivate}
	if got := b.steps(); !slices.Equal(got, want) {
		t.Errorf("the steps were %v, want %v", got, want)
	}
	b.spec.RebuildAgent = false
	if b.mustRun(t); len(b.steps()) > 0 {
		t.Errorf("again: the steps were %v", b.steps())
	}
}
