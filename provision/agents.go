package provision

import (
	"cmp"
	"runtime"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/agent"
)

// Agent is an agent that was found on the host and could run in the guest, or the source of one.
type Agent = agent.Agent

// AgentSource says where an agent comes from.
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

// FindAgent returns the agent that a Spec with this Agent and Project stands for; see [agent.Find].
func FindAgent(name, project string, arch limatype.Arch) (*Agent, []Rejected, error) {
	return agent.Find(name, project, arch)
}

// builds reports whether the agent is built in the VM from the project's workspace.
func (t target) builds() bool { return t.agent != nil && t.agent.Source == SourceBuild }

// noAgent returns the error of a world that needs an agent when none was found in project.
func noAgent(project string, rejected []Rejected) *Error {
	arch := limatype.NewArch(runtime.GOARCH) // worlds have their host's processor
	return agent.Missing(project, arch, rejected)
}

// agents explains the choice of the agent and its companions for the checks. exists means that there is a VM.
func (t target) agents(exists bool) checks.Agents {
	project := t.spec.Project
	list := checks.Agents{
		Candidates: agent.Candidates(t.spec.Agent, project, t.arch, t.agent, t.rejected,
			exists && !t.spec.RebuildAgent),
		Companions: agent.CompanionCandidates(project, t.companions, t.leftOut),
	}
	if t.agent == nil && !exists {
		list.None = agent.Missing(project, t.arch, t.rejected)
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
