package provision

import (
	"debug/elf"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
)

// explained is what FindAgent chose for spec, told place by place.
func explained(t *testing.T, spec Spec, exists bool) (list checks.Agents, byName map[string]checks.Candidate) {
	t.Helper()
	target := target{spec: spec, arch: limatype.X8664}
	var err error
	if target.agent, target.rejected, err = FindAgent(spec.Agent, spec.Project, target.arch); err != nil {
		t.Fatal(err)
	}
	list, byName = target.agents(exists), map[string]checks.Candidate{}
	for _, candidate := range list.Candidates {
		byName[candidate.From] = candidate
	}
	return list, byName
}

// Each place has the reason that the choice itself gave.
func TestAgentsExplained(t *testing.T) {
	project, content := t.TempDir(), newProgram(elf.EM_X86_64).bytes()
	put(t, project, "bin/linux/world-agent", []byte("\xcf\xfa\xed\xfe of a Mac"))
	put(t, project, "target/release/world-agent", content)
	put(t, project, "target/debug/world-agent", content)
	list, found := explained(t, Spec{Project: project}, false)
	for name, why := range map[string]string{
		"--agent, WORLDSETUP_AGENT":  "not given",
		"bin/linux/world-agent":      "a Mach-O file",
		"bin/world-agent":            "not there",
		"target/release/world-agent": "a Linux program, ",
		"target/debug/world-agent":   "an earlier one was taken",
		"--agent builtin":            "only taken when it is asked for",
	} {
		if one := found[name]; !strings.Contains(one.Why, why) || one.Taken != (name == "target/release/world-agent") {
			t.Errorf("%s: %+v, want %q", name, one, why)
		}
	}
	if list.None != nil || list.Candidates[0].From != "--agent, WORLDSETUP_AGENT" || len(list.Candidates) != 3+len(candidates(limatype.X8664)) {
		t.Errorf("%+v", list)
	}
}

func TestNoAgentExplained(t *testing.T) {
	spec := Spec{Project: t.TempDir()}
	if list, _ := explained(t, spec, false); list.None == nil || !strings.Contains(list.None.Next, "--agent builtin") {
		t.Errorf("a new VM: %+v", list.None)
	}
	if list, _ := explained(t, spec, true); list.None != nil {
		t.Errorf("a VM that may have one: %+v", list.None)
	}
	spec.Agent = AgentBuiltin
	list, _ := explained(t, spec, false)
	if len(list.Candidates) != 1 || !list.Candidates[0].Taken || !strings.Contains(list.Candidates[0].Why, "runs no commands") {
		t.Errorf("the probe: %+v", list.Candidates)
	}
}
