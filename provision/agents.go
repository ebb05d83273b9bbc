package provision

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/agent"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Agent is an agent that was found on the host and could run in the guest, or the source of one.
type Agent = agent.Agent

// AgentSource is the place where an agent comes from.
type AgentSource = agent.Source

// The sources of an agent.
const (
	SourceFlag    = agent.SourceFlag    // the file that Spec.Agent names
	SourceProject = agent.SourceProject // a candidate in the project directory
	SourceBuild   = agent.SourceBuild   // the project's Cargo workspace, built in the VM
	SourceBuiltin = agent.SourceBuiltin // the probe agent that is part of worldsetup
)

// Rejected is a file in an agent's place that can't be used.
type Rejected = agent.Rejected

// FindAgent returns the agent that a Spec with this Agent and Project selects; see [agent.Find].
func FindAgent(name, project string, arch limatype.Arch) (*Agent, []Rejected, error) {
	return agent.Find(name, project, arch, layout.Agents())
}

// builds reports whether the agent is built in the VM from the project's workspace.
func (t target) builds() bool { return t.agent != nil && t.agent.Source == SourceBuild }

// noAgent returns the error when a world needs an agent and the project has none.
func (t target) noAgent() *Error {
	arch := limatype.NewArch(runtime.GOARCH) // worlds have their host's processor
	return agent.Missing(t.spec.Project, arch, t.rejected, t.layouts())
}

// agents explains the choice of the agent and its companions for the checks. exists means that there is a VM.
func (t target) agents(exists bool) checks.Agents {
	project := t.spec.Project
	list := checks.Agents{
		Candidates: agent.Candidates(t.spec.Agent, project, t.arch, t.agent, t.rejected,
			exists && !t.spec.RebuildAgent, t.layouts()),
		Companions: agent.CompanionCandidates(project, t.companions, t.leftOut),
	}
	if t.agent == nil && !exists {
		list.None = agent.Missing(project, t.arch, t.rejected, t.layouts())
	}
	return list
}

// checkRebuild refuses --rebuild-agent where it would have no effect.
func (t target) checkRebuild() error {
	if !t.spec.RebuildAgent || t.builds() {
		return nil
	}
	why := "the project has no Cargo workspace to build it from"
	if t.agent != nil {
		why = "it is " + cmp.Or(t.agent.Path, "the built-in probe")
	}
	for _, file := range t.rejected {
		if file.Path == agent.SourcePath(t.spec.Project) {
			why = file.Path + " was not taken: " + file.Why
		}
	}
	return &Error{
		Kind: KindUsage, What: "there is no agent to rebuild", Why: why,
		Next: "leave --rebuild-agent out, or let the VM build the agent: --agent build",
	}
}

// planCompanions plans to install the companions that the guest lacks, or has in a different version.
func planCompanions(p *Plan, t target, s State) {
	reasons, names := companionReasons(t, s.Guest)
	if len(reasons) == 0 {
		return
	}
	step := newStep(StepCompanions, reasons...)
	step.operands = names
	p.insert(step)
}

func companionReasons(t target, o *guest.Observation) (reasons, names []string) {
	for _, one := range t.companions {
		path := guest.ProgramsPath + one.Name
		wrong := differs(o, path, "regular file", "755", "root", "root")
		if wrong == "" && o.Files[path].SHA256 != one.SHA256 {
			wrong = path + " is another one than " + one.Path
		}
		if wrong != "" {
			reasons, names = append(reasons, wrong), append(names, one.Name)
		}
	}
	return reasons, names
}

func (t target) installCompanions(ctx context.Context, in session, names []string) error {
	for _, one := range t.companions {
		if !slices.Contains(names, one.Name) {
			continue
		}
		companion := guest.InstallCompanion{Name: one.Name, SHA256: one.SHA256, Content: one.Content}
		if err := in.change(ctx, companion); err != nil {
			return err
		}
	}
	return nil
}

func (t target) companionNames() (names []string) {
	for _, one := range t.companions {
		names = append(names, one.Name)
	}
	return names
}

// buildDeadline is for a large workspace on a slow machine; the run's own Timeout may be shorter.
const buildDeadline = 30 * time.Minute

// build plans to build the agent, if none is installed or the user asked to rebuild it.
func (p *Plan) build(t target, s State, wrong string) {
	if wrong == "" && t.spec.RebuildAgent && !s.Tried[StepAgentBuild] {
		wrong = "requested"
	}
	if wrong == "" {
		return
	}
	p.add(StepAgentBuild, wrong, buildReason(t.agent))
	p.add(StepAgent, wrong)
}

func buildReason(a *Agent) string {
	return "its source is " + a.Path + "; a cargo is installed for that if the VM has none that will do"
}

// builder builds the agent in the guest, and installs it.
type builder struct {
	made    guest.Built // not installed yet; without a path when there is nothing
	log     agent.BuildOutput
	fetches bool // cargo itself is being installed
}

// build builds the agent in the guest. If no cargo there is new enough, it installs the distribution's, if that one is.
func (b *builder) build(
	ctx context.Context, in session, project string, source agent.Package, line func(string),
) error {
	ctx, cancel := context.WithTimeoutCause(ctx, buildDeadline, fmt.Errorf("no end within %v", buildDeadline))
	defer cancel()
	order := guest.Build{Project: project, Package: source.Name, Cargo: source.Cargo, Rust: source.Rust}
	err := b.cargoBuild(ctx, in, order, line)
	if !lacksToolchain(err) {
		return err
	}
	line("no cargo in the VM will do: installing the distribution's")
	b.fetches = true
	if err := in.InstallCargo(ctx, in.route, order, line); err != nil {
		return err
	}
	b.fetches = false
	return b.cargoBuild(ctx, in, order, line)
}

func (b *builder) cargoBuild(ctx context.Context, in session, order guest.Build, line func(string)) (err error) {
	b.log = agent.BuildOutput{}
	b.made, err = in.Build(ctx, in.route, order, func(text string) {
		b.log.Add(text)
		line(text)
	})
	return err
}

// install installs the agent that was built, in the same way as one from the host.
func (b *builder) install(ctx context.Context, in session, home string) error {
	if b.made.Path == "" {
		return errors.New("nothing was built in this run")
	}
	made := b.made
	b.made = guest.Built{}
	return in.change(ctx, guest.InstallBuilt{Built: made, Home: home})
}

// lacksToolchain reports whether the guest has no cargo that is new enough.
func lacksToolchain(err error) bool {
	script, ok := errors.AsType[*guest.ScriptError](err)
	return ok && script.ExitCode == guest.ExitNoToolchain
}

// explainBuild explains why the agent could not be built.
func explainBuild(r *run, _ State, failure *Error, err error) {
	spec, source := r.target.spec, r.target.agent.Package
	failure.What = "the agent could not be built in the VM"
	script, ok := errors.AsType[*guest.ScriptError](err)
	if !ok {
		failure.Next = fmt.Sprintf("run worldsetup again, for a large workspace with more time: --timeout 1h; the "+
			"log is %s", LogPath(spec))
		return
	}
	failure.Why = strings.TrimSpace(script.Stderr)
	switch {
	case lacksToolchain(err):
		failure.Kind, failure.What = KindPrerequisite,
			"the VM has no cargo that could build the agent, and can install none"
		failure.Why = fmt.Sprintf("%s\n%s", source.Needs(), failure.Why)
		failure.Next = fmt.Sprintf("install one there with rustup (limactl shell --workdir / %s; then as "+
			"https://rustup.rs describes), or build on this machine, %s, and name it: --agent FILE",
			spec.VM, agent.CargoCommand(r.target.arch, r.target.layout))
	case r.builder.fetches:
		failure.What = "cargo could not be installed in the VM"
		failure.Next = fmt.Sprintf("check the guest's way to its package mirrors: limactl shell --workdir / %s sudo "+
			"apt-get update; then run worldsetup again", spec.VM)
	default:
		if text := r.builder.log.LastError(); text != "" {
			failure.Why = strings.TrimSpace(text + "\n" + failure.Why)
		}
		failure.Next = fmt.Sprintf("fix it and run worldsetup again; to see all of it: limactl shell --workdir %s "+
			"%s cargo build --release --locked -p %s --target-dir /tmp/agent; the log is %s",
			r.target.layout.Project(), spec.VM, source.Name, LogPath(spec))
	}
}

func sum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}
