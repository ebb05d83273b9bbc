package provision

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/cargo"
)

// agentPackage is the package of a project's workspace that is the agent, and the name of its program.
const agentPackage = "world-agent"

// builds says that the agent comes from the project's workspace, built in the VM.
func (t target) builds() bool { return t.agent != nil && t.agent.Source == SourceBuild }

// sourceAgent is the project's workspace as the source of an agent; neither a source nor rejected is what is not there.
func sourceAgent(project string) (*Agent, []Rejected) {
	path := sourcePath(project)
	found, err := cargo.Find(filepath.Dir(path), agentPackage)
	switch {
	case errors.Is(err, cargo.ErrNone):
		return nil, nil
	case err != nil:
		return nil, []Rejected{{Path: path, Why: err.Error()}}
	}
	return &Agent{Source: SourceBuild, Path: path, source: found}, nil
}

func sourcePath(project string) string {
	path := filepath.Join(project, "Cargo.toml")
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return path
}

// namedSource is sourceAgent for somebody who has asked for just that.
func namedSource(project string) (*Agent, []Rejected, error) {
	found, rejected := sourceAgent(project)
	if found != nil {
		return found, nil, nil
	}
	why := "there is no Cargo.toml in it"
	if len(rejected) > 0 {
		why = rejected[0].Why
	}
	return nil, nil, &Error{
		Kind: KindUsage, What: fmt.Sprintf("no agent can be built from %s", project), Why: why,
		Next: "name a project whose Cargo workspace has a package world-agent and a Cargo.lock, or name an agent: --agent FILE",
	}
}

// checkRebuild refuses a wish that would have no effect.
func (t target) checkRebuild() error {
	if !t.spec.RebuildAgent || t.builds() {
		return nil
	}
	why := "the project has no Cargo workspace to build it from"
	if t.agent != nil {
		why = "it is " + firstOf(t.agent.Path, "the built-in probe")
	}
	for _, file := range t.rejected {
		if file.Path == sourcePath(t.spec.Project) {
			why = file.Path + " was not taken: " + file.Why
		}
	}
	return &Error{
		Kind: KindUsage, What: "there is no agent to be built anew", Why: why,
		Next: "leave --rebuild-agent out, or say that the agent is to be built in the VM: --agent build",
	}
}

// needs says what it takes to build an agent from its source.
func (a *Agent) needs() string {
	text := fmt.Sprintf("package %s, locked", a.source.Name)
	var tools []string
	if a.source.Cargo != "" {
		tools = append(tools, fmt.Sprintf("cargo %s or later, by its Cargo.lock of version %d", a.source.Cargo, a.source.LockVersion))
	}
	if a.source.Rust != "" {
		tools = append(tools, fmt.Sprintf("rustc %s or later", a.source.Rust))
	}
	if len(tools) > 0 {
		text += "; it takes " + strings.Join(tools, " and ")
	}
	return text
}

// sourceCandidate explains what becomes of the project's workspace.
func (t target) sourceCandidate(exists bool) checks.Candidate {
	one := checks.Candidate{From: "Cargo.toml", Why: "not there"}
	for _, file := range t.rejected {
		if file.Path == sourcePath(t.spec.Project) {
			one.Why = file.Why
		}
	}
	switch {
	case t.builds():
		one.Taken, one.Why = true, t.agent.describe()
		if exists && !t.spec.RebuildAgent {
			one.Why += "; an agent that the VM has already stays, unless --rebuild-agent says otherwise"
		}
	case t.agent != nil:
		one.Why = "an earlier one was taken"
	}
	return one
}
