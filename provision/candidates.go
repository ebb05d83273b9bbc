package provision

import (
	"fmt"
	"path/filepath"

	"github.com/atomize-hq/worldsetup/checks"
)

// agents explains the choice of the agent: each place that is looked at, in order, and why it was taken or not.
func (t target) agents(exists bool) checks.Agents {
	var list checks.Agents
	flag := checks.Candidate{From: "--agent, WORLDSETUP_AGENT", Why: "not given"}
	if t.spec.Agent != "" {
		flag = checks.Candidate{From: "--agent " + t.spec.Agent, Taken: true, Why: t.agent.describe()}
	}
	list.Candidates = append(list.Candidates, flag)
	if t.spec.Agent == "" {
		list.Candidates = append(list.Candidates, t.projectCandidates()...)
	}
	if t.spec.Agent == "" {
		list.Candidates = append(list.Candidates, t.sourceCandidate(exists))
	}
	if t.spec.Agent != AgentBuiltin {
		list.Candidates = append(list.Candidates, checks.Candidate{From: "--agent builtin", Why: "the probe, which runs no commands, is only taken when it is asked for"})
	}
	list.Companions = t.passengerCandidates()
	if t.agent == nil && !exists {
		list.None = noAgentFor(t.arch, t.spec.Project, t.rejected).As("")
	}
	return list
}

// projectCandidates are the project directory's own.
func (t target) projectCandidates() (list []checks.Candidate) {
	rejected := map[string]string{}
	for _, file := range t.rejected {
		rejected[file.Path] = file.Why
	}
	found := false
	for _, candidate := range candidates(agentPackage, t.arch) {
		path := filepath.Join(t.spec.Project, filepath.FromSlash(candidate))
		one := checks.Candidate{From: candidate, Why: "not there"}
		switch why, bad := rejected[path]; {
		case t.agent != nil && t.agent.Path == path:
			one.Taken, one.Why, found = true, t.agent.describe(), true
		case bad:
			one.Why = why
		case found:
			one.Why = "an earlier one was taken"
		}
		list = append(list, one)
	}
	return list
}

// describe says in a few words what an agent is.
func (a *Agent) describe() string {
	if a.Source == SourceBuild {
		return "built in the VM: " + a.needs()
	}
	if a.Probe {
		return "the built-in probe, which runs no commands"
	}
	return fmt.Sprintf("a Linux program, %d bytes, sha256 %s", a.Size, a.SHA256)
}
