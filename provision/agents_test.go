package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// A new VM needs an agent; a VM that exists may have one already, which stays unless it is to be rebuilt.
func TestAgentsForChecks(t *testing.T) {
	explained := func(spec Spec, exists bool) (checks.Agents, string) {
		target := target{spec: spec, arch: limatype.X8664, layout: layout.AgentV1}
		var err error
		if target.agent, target.rejected, err = FindAgent(spec.Agent, spec.Project, target.arch); err != nil {
			t.Fatal(err)
		}
		list, lines := target.agents(exists), ""
		for _, candidate := range append(list.Candidates, list.Companions...) {
			lines += candidate.String() + "\n"
		}
		return list, lines
	}
	spec := Spec{Project: t.TempDir()}
	if list, lines := explained(spec, false); list.None == nil ||
		!strings.Contains(list.None.Next, "--agent builtin") ||
		!strings.Contains(lines, "substrate-gateway: not taken") {
		t.Errorf("a new VM: %+v\n%s", list.None, lines)
	}
	if list, _ := explained(spec, true); list.None != nil {
		t.Errorf("a VM that may have one: %+v", list.None)
	}
	for file, text := range map[string]string{
		"Cargo.toml": "[package]\nname = \"world-agent\"\n",
		"Cargo.lock": "version = 4\n[[package]]\nname = \"world-agent\"\n",
	} {
		if err := os.WriteFile(filepath.Join(spec.Project, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ exists, rebuild, stays bool }{{true, false, true}, {true, true, false},
		{false, false, false}} {
		spec.RebuildAgent = test.rebuild
		if _, lines := explained(spec, test.exists); strings.Contains(lines, "unless --rebuild-agent") != test.stays {
			t.Errorf("%+v:\n%s", test, lines)
		}
	}
	none := target{spec: Spec{Project: "/p"}, layout: layout.AgentV1}
	if failure := none.noAgent(); failure.Kind != KindPrerequisite ||
		!strings.Contains(failure.Next, "cargo build") {
		t.Errorf("%+v", failure)
	}
}
