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
