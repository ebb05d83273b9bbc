package provision

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/cargo"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

const (
	// buildDeadline is for a large workspace on a slow machine; the run's own Timeout may be shorter.
	buildDeadline = 30 * time.Minute
	// buildDir is where the guest builds, below the user's home directory: never in the project.
	buildDir = ".cache/worldsetup-build"
	// noToolchain is the exit status of the scripts by which they say that there is no cargo of the age that is needed.
	noToolchain = 4
)

// built is an agent in the guest that is not installed yet.
type built struct {
	path, sha256 string
	log          buildLog
}

// build plans for the agent to be built, unless one is installed: then only on request, once.
func (p *Plan) build(t target, s State, wrong string) {
	if wrong == "" && t.spec.RebuildAgent && !s.Tried[StepAgentBuild] {
		wrong = "it was asked for"
	}
	if wrong == "" {
		return
	}
	p.add(StepAgentBuild, wrong, t.agent.buildReason())
	p.add(StepAgent, wrong)
}

func (a *Agent) buildReason() string {
	return "its source is " + a.Path + "; a cargo is installed for that if the VM has none that will do"
}

// builder builds the agent in the guest, and installs it.
type builder struct{ made *built }

// build builds the agent in the guest. Where no cargo will do, the distribution's is installed, if that one does.
func (b *builder) build(ctx context.Context, in session, source cargo.Package, line func(string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, buildDeadline, fmt.Errorf("no end within %v", buildDeadline))
	defer cancel()
	err := b.cargoBuild(ctx, in, source, line)
	if !lacksToolchain(err) {
		return err
	}
	line("no cargo in the VM will do: installing the distribution's")
	if err := in.stream(ctx, embed.Cargo, true, line, orAny(source.Cargo), orAny(source.Rust)); err != nil {
		return err
	}
	return b.cargoBuild(ctx, in, source, line)
}

func (b *builder) cargoBuild(ctx context.Context, in session, source cargo.Package, line func(string)) error {
	made := &built{}
	b.made = made
	err := in.stream(ctx, embed.Build, false, func(text string) {
		if !made.take(text) {
			made.log.add(text)
			line(text)
		}
	}, buildDir, guest.ProjectMount, source.Name, orAny(source.Cargo), orAny(source.Rust))
	if err == nil && made.path == "" {
		return errors.New("the build ended without a word of what it made")
	}
	return err
}

// take takes the last line of the script: built SIZE SHA256 FILE.
func (b *built) take(line string) bool {
	words := strings.SplitN(line, " ", 4)
	if len(words) != 4 || words[0] != "built" || len(words[2]) != 64 || !path.IsAbs(words[3]) {
		return false
	}
	b.sha256, b.path = words[2], words[3]
	return true
}

// install installs what was built, in the same way as an agent from the host.
func (b *builder) install(ctx context.Context, in session, home string) error {
	if b.made == nil {
		return errors.New("nothing was built in this run")
	}
	made := *b.made
	b.made = nil
	_, err := in.root(ctx, embed.Agent, nil, made.sha256, made.path, path.Join(home, buildDir))
	return err
}

func orAny(version string) string {
	if version == "" {
		return "any"
	}
	return version
}

// lacksToolchain says that a script has found no cargo of the age that is needed.
func lacksToolchain(err error) bool {
	script := (*guest.ScriptError)(nil)
	return errors.As(err, &script) && script.ExitCode == noToolchain
}

// maxErrorLines bounds what is shown of a compiler's error; the log has it all.
const maxErrorLines = 24

// buildLog keeps of what cargo says the last error, which is what a person needs first.
type buildLog struct {
	block   []string // the last error, or what is said of it so far
	open    bool     // it goes on
	last    string   // line that was not empty
	omitted int
}

// add takes a line. An error begins with the word and ends with an empty line; cargo's own sums at the end are none, unless
// there was no other.
func (b *buildLog) add(line string) {
	begins := strings.HasPrefix(line, "error:") || strings.HasPrefix(line, "error[")
	sum := strings.HasPrefix(line, "error: could not compile") || strings.HasPrefix(line, "error: aborting due to") || strings.HasPrefix(line, "error: build failed")
	switch {
	case begins && (!sum || b.block == nil):
		b.block, b.open, b.omitted = []string{line}, true, 0
	case line == "Caused by:" && b.block != nil: // an empty line stands between an error of cargo's own and its causes
		b.block, b.open = append(b.block, line), true
	case begins || strings.TrimSpace(line) == "" || strings.HasPrefix(line, "warning:"):
		b.open = false
	case b.open && len(b.block) < maxErrorLines:
		b.block = append(b.block, line)
	case b.open:
		b.omitted++
	}
	if strings.TrimSpace(line) != "" {
		b.last = line
	}
}

// error is the last error; without one the last line.
func (b *buildLog) error() string {
	if b.block == nil {
		return b.last
	}
	text := strings.Join(b.block, "\n")
	if b.omitted > 0 {
		text += fmt.Sprintf("\n(%d more lines of it are in the log)", b.omitted)
	}
	return text
}

// explainBuild says what kept the agent from being built.
func explainBuild(r *run, _ State, failure *Error, err error) {
	spec, source := r.target.spec, r.target.agent.source
	failure.What = "the agent could not be built in the VM"
	script := (*guest.ScriptError)(nil)
	if !errors.As(err, &script) {
		failure.Next = fmt.Sprintf("run worldsetup again, for a large workspace with more time: --timeout 1h; the log is %s", LogPath(spec))
		return
	}
	failure.Why = strings.TrimSpace(script.Stderr)
	switch {
	case lacksToolchain(err):
		failure.Kind, failure.What = KindPrerequisite, "the VM has no cargo that could build the agent, and can install none"
		failure.Why = fmt.Sprintf("%s\n%s", r.target.agent.needs(), failure.Why)
		failure.Next = fmt.Sprintf("install one there with rustup (limactl shell --workdir / %s; then as https://rustup.rs says), or build on this machine, %s, and name it: --agent FILE",
			spec.VM, cargoCommand(r.target.arch))
	case script.Script == embed.Cargo.Name:
		failure.What = "cargo could not be installed in the VM"
		failure.Next = fmt.Sprintf("check the guest's way to its package mirrors: limactl shell --workdir / %s sudo apt-get update; then run worldsetup again", spec.VM)
	default:
		if r.builder.made != nil && r.builder.made.log.error() != "" {
			failure.Why = strings.TrimSpace(r.builder.made.log.error() + "\n" + failure.Why)
		}
		failure.Next = fmt.Sprintf("mend it and run worldsetup again; to see all of it: limactl shell --workdir %s %s cargo build --release --locked -p %s --target-dir /tmp/agent; the log is %s",
			guest.ProjectMount, spec.VM, source.Name, LogPath(spec))
	}
}
