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
	if list.None != nil || list.Candidates[0].From != "--agent, WORLDSETUP_AGENT" || len(list.Candidates) != 3+len(candidates(agentPackage, limatype.X8664)) {
		t.Errorf("%+v", list)
	}
}

// The workspace comes after the programs, and says what it takes, or why it is none.
func TestSourceExplained(t *testing.T) {
	project := t.TempDir()
	put(t, project, "Cargo.toml", []byte("[package]\nname = \"world-agent\"\nrust-version = \"1.70\"\n"))
	list, found := explained(t, Spec{Project: project}, false)
	if one := found["Cargo.toml"]; one.Taken || !strings.Contains(one.Why, "no Cargo.lock") || list.None == nil || !strings.Contains(list.None.Why, "no Cargo.lock") {
		t.Errorf("without a lock: %+v, %+v", one, list.None)
	}
	put(t, project, "Cargo.lock", []byte("version = 4\n[[package]]\nname = \"world-agent\"\n"))
	_, found = explained(t, Spec{Project: project}, false)
	if one := found["Cargo.toml"]; !one.Taken || !strings.Contains(one.Why, "cargo 1.78 or later, by its Cargo.lock of version 4 and rustc 1.70 or later") {
		t.Errorf("%+v", one)
	}
	if _, found = explained(t, Spec{Project: project}, true); !strings.Contains(found["Cargo.toml"].Why, "--rebuild-agent") {
		t.Errorf("a VM that may have one: %+v", found["Cargo.toml"])
	}
	if _, found = explained(t, Spec{Project: project, Agent: AgentBuild}, false); !found["--agent build"].Taken {
		t.Errorf("asked for: %+v", found)
	}
	put(t, project, "bin/world-agent", newProgram(elf.EM_X86_64).bytes())
	if _, found = explained(t, Spec{Project: project}, false); found["Cargo.toml"].Taken || found["Cargo.toml"].Why != "an earlier one was taken" {
		t.Errorf("%+v", found["Cargo.toml"])
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
