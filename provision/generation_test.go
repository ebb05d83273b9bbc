package provision_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// files are those of a generation in a guest.
func files(of layout.Layout) []string { return []string{of.Agent(), of.ServicePath(), of.SocketPath()} }

// wantFiles wants the files of one generation in the guest, and none of another.
func (b *bench) wantFiles(t *testing.T, there, gone layout.Layout) {
	t.Helper()
	vm := b.VM(provision.DefaultVM)
	for _, path := range files(there) {
		if !vm.HasFile(path) {
			t.Errorf("%s is missing", path)
		}
	}
	for _, path := range files(gone) {
		if vm.HasFile(path) {
			t.Errorf("%s is there", path)
		}
	}
}

// TestUpgrade: a world is taken to a newer generation in place, and stays there without being asked again. There is no
// way back but a replacement.
func TestUpgrade(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.wantFiles(t, layout.AgentV1, layout.ServiceV1)

	b.spec.Layout = layout.ServiceV1.Name
	b.ForgetCalls()
	b.mustRun(t)
	b.wantFiles(t, layout.ServiceV1, layout.AgentV1)
	want := []provision.StepID{provision.StepUnits, provision.StepAgent, provision.StepActivate, provision.StepRetire}
	if got := b.steps(); !slices.Equal(got, want) {
		t.Errorf("the steps were %v, want %v", got, want)
	}

	b.spec.Layout = ""
	health, err := b.setup().Run(t.Context())
	if err != nil || len(b.steps()) > 0 || health.Layout != layout.ServiceV1.Name || health.Agent.Backend != "world-service" {
		t.Errorf("again: %v, steps %v, %+v", err, b.steps(), health)
	}

	b.spec.Layout = layout.AgentV1.Name
	wantKind(t, b.run(t), provision.KindReplacement, "generation service-v1", "--replace")
	b.wantFiles(t, layout.ServiceV1, layout.AgentV1)
}

// TestUpgradeToDeadAgent: the agent of the newer generation does not answer, and the older one is at work again.
func TestUpgradeToDeadAgent(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.spec.Layout = layout.ServiceV1.Name
	b.spec.Agent = ""
	b.write(t, "bin/world-service", elfProgram(t, "silent"))
	err := b.run(t)
	if failure := provision.AsError(err); err == nil || !strings.Contains(failure.Why, "generation before") {
		t.Fatalf("%v", err)
	}
	b.spec.Layout, b.spec.Agent = "", provision.AgentBuiltin
	b.mustRun(t)
	b.wantFiles(t, layout.AgentV1, layout.Layout{})
}

// TestAgentNamesGeneration: the name of the project's agent decides on the generation of a new world, and the layout
// that is asked for beats that.
func TestAgentNamesGeneration(t *testing.T) {
	for _, test := range []struct {
		asked string
		want  layout.Layout
	}{{"", layout.ServiceV1}, {layout.AgentV1.Name, layout.AgentV1}} {
		b := newBench(t)
		b.spec.Agent, b.spec.Layout = "", test.asked
		b.write(t, "bin/world-service", elfProgram(t, "answers"))
		if test.asked != "" {
			b.spec.Agent = provision.AgentBuiltin
		}
		b.mustRun(t)
		if !b.VM(provision.DefaultVM).HasFile(test.want.Agent()) {
			t.Errorf("%q: %s is missing", test.asked, test.want.Agent())
		}
	}
}

// TestBothAgents: a project that was built before and after the agent's new name has both programs, and the newer one
// counts. A world of the newer generation stays as it is.
func TestBothAgents(t *testing.T) {
	b := newBench(t)
	b.spec.Agent = ""
	b.write(t, "target/release/world-agent", elfProgram(t, "it answers"))
	b.write(t, "target/release/world-service", elfProgram(t, "it answers, too"))
	b.mustRun(t)
	b.wantFiles(t, layout.ServiceV1, layout.AgentV1)
	if b.mustRun(t); len(b.steps()) > 0 {
		t.Errorf("again: the steps were %v", b.steps())
	}
}
