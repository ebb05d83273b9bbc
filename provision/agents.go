package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision/agent"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// noAgent returns the error when a world needs an agent and the project has none.
func (t target) noAgent() *Error {
	arch := limatype.NewArch(platform.Arch()) // worlds have their host's processor
	return agent.Missing(t.spec.Project, arch, t.rejected, t.layouts())
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
	add := func(wrong, name string) {
		if wrong != "" {
			reasons, names = append(reasons, wrong), append(names, name)
		}
	}
	for _, one := range t.companions {
		path := layout.Program(one.Name)
		wrong := faults.Differs(o, path, "regular file", "755", "root", "root")
		if wrong == "" && o.Files[path].SHA256 != one.SHA256 {
			wrong = path + " differs from " + one.Path
		}
		add(wrong, one.Name)
	}
	for _, one := range t.wrapped(o) {
		path := layout.Program(one.Wrapper)
		wrong := faults.Differs(o, path, "regular file", "755", "root", "root")
		if wrong == "" && o.Files[path].SHA256 != guest.Checksum([]byte(one.WrapperText)) {
			wrong = path + " does not hold `" + strings.TrimSpace(one.WrapperText) + "`"
		}
		add(strings.ReplaceAll(wrong, "\n", "; "), one.Wrapper)
	}
	return reasons, names
}

// wrapped returns the companions whose wrapper has to be there: those of this project, once they are installed.
func (t target) wrapped(o *guest.Observation) (wrapped []layout.Companion) {
	for _, one := range t.companions {
		wrapped = append(wrapped, one.Companion)
	}
	for _, one := range t.sources {
		if _, there := o.Files[layout.Program(one.Name)]; there {
			wrapped = append(wrapped, one.Companion)
		}
	}
	return slices.DeleteFunc(wrapped, func(one layout.Companion) bool { return one.Wrapper == "" })
}

func (t target) installCompanions(ctx context.Context, in session, names []string) error {
	for _, one := range t.companions {
		if slices.Contains(names, one.Name) {
			companion := guest.InstallCompanion{Name: one.Name, SHA256: one.SHA256, Content: one.Content}
			if err := in.change(ctx, companion); err != nil {
				return err
			}
		}
	}
	for _, one := range t.layout.Companions {
		if one.Wrapper != "" && slices.Contains(names, one.Wrapper) {
			if err := in.change(ctx, wrapper(one)); err != nil {
				return err
			}
		}
	}
	return nil
}

// wrapper installs the wrapper of a companion.
func wrapper(of layout.Companion) guest.Change {
	text := []byte(of.WrapperText)
	return guest.InstallCompanion{Name: of.Wrapper, SHA256: guest.Checksum(text), Content: text}
}

// planCompanionBuild plans to build the companions that the guest lacks.
func planCompanionBuild(p *Plan, t target, s State) {
	reasons, names := sourceReasons(t, s.Guest)
	if len(reasons) == 0 {
		return
	}
	step := newStep(StepCompanionBuild, reasons...)
	step.operands = names
	p.insert(step)
}

// builds reports whether a step of the plan does.
func (p Plan) builds() bool { return slices.ContainsFunc(p.Steps, Step.builds) }

// sourcesReason describes what the companions are built from.
func (t target) sourcesReason() string {
	needs := make([]string, len(t.sources))
	for i, one := range t.sources {
		needs[i] = one.Name + ": " + one.Source.Needs()
	}
	return strings.Join(needs, "; ")
}

// sourceReasons returns why companions have to be built. As with the agent, one that is installed is enough.
func sourceReasons(t target, o *guest.Observation) (reasons, names []string) {
	for _, one := range t.sources {
		if wrong := faults.Differs(o, layout.Program(one.Name), "regular file", "755", "root", "root"); wrong != "" {
			reasons, names = append(reasons, wrong), append(names, one.Name)
		}
	}
	return reasons, names
}

// buildCompanions builds those of that name in a guest with that home, and installs them with their wrappers.
func (b *builder) buildCompanions(
	ctx context.Context, in session, t target, home string, names []string, line func(string),
) error {
	sources := slices.DeleteFunc(slices.Clone(t.sources), func(one agent.CompanionSource) bool {
		return !slices.Contains(names, one.Name)
	})
	var targets []guest.Target
	var packages []agent.Package
	for _, one := range sources {
		targets = append(targets, guest.Target{Package: one.Package, Name: one.Name})
		packages = append(packages, one.Source)
	}
	built, err := b.build(ctx, in, t.order(targets, packages), line)
	if err != nil {
		return err
	}
	for _, one := range sources {
		change := guest.InstallCompanion{Name: one.Name, Home: home}
		for _, program := range built {
			if program.Name == one.Name {
				change.SHA256 = program.SHA256
			}
		}
		if err := in.change(ctx, change); err != nil {
			return err
		}
		if one.Wrapper != "" {
			if err := in.change(ctx, wrapper(one.Companion)); err != nil {
				return err
			}
		}
	}
	return nil
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
	return "its source is " + a.Path + "; cargo is installed for that if the VM has no suitable one"
}

// builder builds programs in the guest, and installs the agent.
type builder struct {
	made    guest.Built // the agent, not installed yet; without a path when there is nothing
	order   order       // the last one
	log     agent.BuildOutput
	fetches bool // cargo itself is being installed
}

// order is a build in the guest, and what it takes.
type order struct {
	guest.Build
	needs []string
}

// order returns the build of programs, which are of the packages.
func (t target) order(targets []guest.Target, packages []agent.Package) order {
	build := guest.Build{
		Project: t.layout.Project(), Targets: targets, Profile: cmp.Or(t.spec.BuildProfile, "release"),
	}
	build.Cargo, build.Rust = agent.Together(packages...)
	made := order{Build: build}
	for _, one := range packages {
		made.needs = append(made.needs, one.Needs())
	}
	return made
}

// programNames are those of the programs.
func (o order) programNames() string {
	names := make([]string, len(o.Targets))
	for i, target := range o.Targets {
		names[i] = target.Name
	}
	return strings.Join(names, ", ")
}

// commandLines are those that build it by hand.
func (o order) commandLines() string {
	flags := map[string]string{"release": "--release ", "debug": "", "dev": ""}
	profile, short := flags[o.Profile]
	if !short {
		profile = "--profile " + o.Profile + " "
	}
	var commands []string
	for _, target := range o.Targets {
		what := "--bin " + target.Name
		if target.Package != "" {
			what = "-p " + target.Package
		}
		commands = append(commands, "cargo build "+profile+"--locked "+what+" --target-dir /tmp/agent")
	}
	return strings.Join(commands, " && ")
}

// agent builds the agent in the guest.
func (b *builder) agent(ctx context.Context, in session, t target, line func(string)) error {
	source := t.agent.Package
	targets := []guest.Target{{Package: source.Name, Name: source.Name}}
	built, err := b.build(ctx, in, t.order(targets, []agent.Package{source}), line)
	if err == nil {
		b.made = built[0]
	}
	return err
}

// build builds programs in the guest. If no cargo there is new enough, it installs the distribution's, if that one is.
func (b *builder) build(
	ctx context.Context, in session, order order, line func(string),
) (built []guest.Built, err error) {
	b.order = order
	ctx, cancel := context.WithTimeoutCause(ctx, buildDeadline, overdue(buildDeadline))
	defer cancel()
	if built, err = b.cargoBuild(ctx, in, order.Build, line); !lacksToolchain(err) {
		return built, err
	}
	line("no cargo in the VM is new enough: installing the distribution's")
	b.fetches = true
	if err := in.InstallCargo(ctx, in.route, order.Build, line); err != nil {
		return nil, err
	}
	b.fetches = false
	return b.cargoBuild(ctx, in, order.Build, line)
}

func (b *builder) cargoBuild(
	ctx context.Context, in session, order guest.Build, line func(string),
) ([]guest.Built, error) {
	b.log = agent.BuildOutput{}
	return in.Build(ctx, in.route, order, func(text string) {
		b.log.Add(text)
		line(text)
	})
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

// explainCompanionBuild explains why companions could not be built, or not be installed.
func explainCompanionBuild(r *run, at State, failure *Error, err error) {
	if script, ok := errors.AsType[*guest.ScriptError](err); ok && script.ExitCode == guest.ExitCannotRun {
		explainCompanions(r, at, failure, err)
		return
	}
	explainBuilds(r, r.builder.order.programNames(), failure, err)
}

// explainCompanions explains why companions could not be installed.
func explainCompanions(r *run, _ State, failure *Error, err error) {
	script, ok := errors.AsType[*guest.ScriptError](err)
	if ok && script.ExitCode == guest.ExitCannotRun {
		failure.What = "a companion can't run in the guest; the previous one stays"
		failure.Why = strings.TrimSpace(script.Stderr)
		failure.Next = fmt.Sprintf("build it for the guest's system, which worldsetup does (remove the project's "+
			"program, then: %s --companions build), or leave it out: --companions none",
			vmCommand("worldsetup", r.target.spec.VM))
	}
}

// explainBuild explains why the agent could not be built.
func explainBuild(r *run, _ State, failure *Error, err error) {
	explainBuilds(r, "the agent", failure, err)
}

func explainBuilds(r *run, what string, failure *Error, err error) {
	spec, order := r.target.spec, r.builder.order
	failure.What = what + " could not be built in the VM"
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
			"the VM has no cargo that could build "+what+", and none can be installed"
		failure.Why = fmt.Sprintf("%s\n%s", strings.Join(order.needs, "\n"), failure.Why)
		failure.Next = fmt.Sprintf("install one there with rustup, as https://rustup.rs describes: limactl shell "+
			"--workdir / %s", spec.VM)
		if r.target.builds() && order.Targets[0].Name == r.target.agent.Package.Name {
			failure.Next += fmt.Sprintf(", or build on this machine, %s, and name it: --agent FILE",
				agent.CargoCommand(r.target.arch, r.target.layout))
		} else {
			failure.Next += ", or put the programs into the project: bin/linux/" +
				strings.ReplaceAll(order.programNames(), ", ", ", bin/linux/")
		}
	case r.builder.fetches:
		failure.What = "cargo could not be installed in the VM"
		failure.Next = fmt.Sprintf("check the guest's way to its package mirrors: limactl shell --workdir / %s sudo "+
			"apt-get update; then run worldsetup again", spec.VM)
	default:
		if text := r.builder.log.LastError(); text != "" {
			failure.Why = strings.TrimSpace(text + "\n" + failure.Why)
		}
		failure.Next = fmt.Sprintf("fix it and run worldsetup again; to see all of it: limactl shell --workdir %s "+
			"%s %s; the log is %s", r.target.layout.Project(), spec.VM, order.commandLines(), LogPath(spec))
	}
}

// getCompanion returns the commands that get a companion.
func (t target) getCompanion(one layout.Companion) string {
	command := vmCommand("worldsetup", t.spec.VM)
	sources, _ := agent.FindCompanionSources(t.spec.Project, t.layout)
	if slices.ContainsFunc(sources, func(s agent.CompanionSource) bool { return s.Name == one.Name }) {
		if t.spec.SkipGuestBuild {
			command += " --skip-guest-build=false"
		}
		return command + " --companions build"
	}
	return fmt.Sprintf("put a Linux program for the VM into the project: %s; then: %s --companions found",
		filepath.Join(t.spec.Project, "bin/linux", one.Name), command)
}
