package provision_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
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
	if err != nil || len(b.steps()) > 0 || health.Layout != layout.ServiceV1.Name ||
		health.Agent.Backend != "world-service" {
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

// TestLastSeen: of which generation a stopped VM was is known from what the last run found, not of a later VM of the
// same name, and it decides what a run would make of it.
func TestLastSeen(t *testing.T) {
	b := newBench(t)
	b.spec.Layout = layout.ServiceV1.Name
	b.mustRun(t)
	b.spec.Layout, b.spec.Agent = "", ""
	b.stop(t)
	seen := func() (*provision.LastSeen, provision.Health, provision.Plan) {
		t.Helper()
		health, _ := b.setup().Status(t.Context())
		plan, err := b.setup().Plan(t.Context())
		if err != nil || plan.Existing == nil || health.Drift.Existing == nil {
			t.Fatalf("%v: %+v", err, plan)
		}
		return plan.Existing.LastSeen, health, plan
	}
	last, health, plan := seen()
	if last == nil || last.Layout != layout.ServiceV1.Name || last.Time.IsZero() || plan.Gets.Layout != last.Layout ||
		health.Drift.Existing.LastSeen == nil {
		t.Errorf("of a stopped VM: %+v, and it would get %s", last, plan.Gets.Layout)
	}
	at := slices.IndexFunc(health.Items, func(item provision.Item) bool { return item.ID == "generation" })
	if at < 0 || health.Items[at].Outcome != provision.Info || !strings.HasPrefix(health.Items[at].Found,
		"service-v1 when last seen, ") {
		t.Errorf("the report: %+v", health.Items)
	}

	files, err := filepath.Glob(filepath.Join(b.spec.StateDir, "*.seen.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "{", "[]", strings.Repeat(" ", 1<<20), strings.Replace(string(good), "service-v1", "service-v9", 1),
		strings.Replace(string(good), `"created":"2`, `"created":"1`, 1),
	} {
		if err := os.WriteFile(files[0], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if last, _, plan := seen(); last != nil || plan.Gets.Layout != layout.AgentV1.Name {
			t.Errorf("with %.90q: %+v, and it would get %s", text, last, plan.Gets.Layout)
		}
	}
	if err := os.WriteFile(files[0], good, 0o600); err != nil {
		t.Fatal(err)
	}
	b.spec.Agent = provision.AgentBuiltin
	b.mustRun(t)
	b.wantFiles(t, layout.ServiceV1, layout.AgentV1)
	if last, _, _ := seen(); last != nil {
		t.Errorf("of a VM that shows it: %+v", last)
	}
}

// TestOlderAgent: a project that has only the agent of an older generation doesn't take a world back, and the
// message shows how to keep it. It is kept when its generation is asked for.
func TestOlderAgent(t *testing.T) {
	b := newBench(t)
	b.spec.Layout = layout.ServiceV1.Name
	b.mustRun(t)
	b.spec.Layout, b.spec.Agent = "", ""
	b.write(t, "bin/world-agent", elfProgram(t, "it answers"))
	wantKind(t, b.run(t), provision.KindReplacement, "bin/world-agent is of agent-v1, which is older",
		"its inside is of the generation service-v1", "--layout service-v1", "--agent FILE", "--replace")
	b.wantFiles(t, layout.ServiceV1, layout.AgentV1)

	b.spec.Layout = layout.ServiceV1.Name
	if b.mustRun(t); len(b.steps()) > 0 {
		t.Errorf("its generation asked for: the steps were %v", b.steps())
	}
}

// TestStaged: a world that mounts nothing is made, stays, is found out of date without being called unready, and is
// brought up to date by a run and by Stage.
func TestStaged(t *testing.T) {
	b := newBench(t)
	b.spec.Layout = layout.StagedV2.Name
	b.write(t, "docs/a", "a")
	b.mustRun(t)
	b.wantFiles(t, layout.StagedV2, layout.AgentV1)
	b.wantMounts(t)
	if !b.VM(provision.DefaultVM).HasFile(layout.StagedV2.Manifest()) {
		t.Error("the project was not copied")
	}

	project := b.spec.Project
	b.spec.Layout, b.spec.Project = "", ""
	if b.mustRun(t); len(b.steps()) > 0 {
		t.Errorf("again: the steps were %v", b.steps())
	}
	b.spec.Project = project
	b.write(t, "docs/b", "b")
	health, err := b.setup().Status(t.Context())
	if err != nil || !health.Ready || health.Layout != layout.StagedV2.Name || len(health.Drift.Steps) != 1 {
		t.Errorf("out of date: %v, %+v", err, health)
	}
	if at := slices.IndexFunc(health.Items, func(item provision.Item) bool { return item.ID == "staged" }); at < 0 ||
		health.Items[at].Outcome != provision.Warning || !strings.Contains(health.Items[at].Found, "1 new") {
		t.Errorf("out of date: %+v", health.Items)
	}
	b.events = nil
	if b.mustRun(t); !slices.Equal(b.steps(), []provision.StepID{provision.StepStage}) {
		t.Errorf("out of date: the steps were %v", b.steps())
	}
	b.write(t, "docs/c", "c")
	if plan, err := b.setup().Stage(t.Context()); err != nil || len(plan.Steps) != 1 {
		t.Errorf("stage: %v, %+v", err, plan)
	}
	if plan, err := b.setup().Stage(t.Context()); err != nil || len(plan.Steps) != 0 {
		t.Errorf("stage again: %v, %+v", err, plan)
	}

	b.VM(provision.DefaultVM).Remove(layout.StagedV2.Current(), layout.StagedV2.Manifest())
	if health, err = b.setup().Status(t.Context()); err == nil || health.Ready {
		t.Errorf("missing: %v, %+v", err, health)
	}
	b.events = nil
	if b.mustRun(t); !slices.Equal(b.steps(), []provision.StepID{provision.StepStage}) {
		t.Errorf("missing: the steps were %v", b.steps())
	}
}

// TestUpgradeToStaged: a world is taken to the generation that mounts nothing, from either one before, with the VM's
// configuration last.
func TestUpgradeToStaged(t *testing.T) {
	for _, from := range []layout.Layout{layout.AgentV1, layout.ServiceV1} {
		b := newBench(t)
		b.spec.Layout = from.Name
		b.mustRun(t)
		b.spec.Layout, b.events = layout.StagedV2.Name, nil
		b.mustRun(t)
		want := []provision.StepID{provision.StepStage, provision.StepUnits, provision.StepAgent,
			provision.StepActivate, provision.StepRetire, provision.StepStop, provision.StepConfigure, provision.StepStart,
			provision.StepMarker}
		if from.Is(layout.ServiceV1) {
			want = slices.DeleteFunc(want, func(id provision.StepID) bool {
				return id == provision.StepRetire || id == provision.StepAgent
			})
		}
		if got := b.steps(); !slices.Equal(got, want) {
			t.Errorf("from %s: the steps were %v, want %v", from.Name, got, want)
		}
		b.wantMounts(t)
		b.spec.Layout, b.events = "", nil
		if b.mustRun(t); len(b.steps()) > 0 {
			t.Errorf("again: the steps were %v", b.steps())
		}
		b.spec.Layout = from.Name
		wantKind(t, b.run(t), provision.KindReplacement, "generation staged-v2", "--replace")
	}
}

// TestStoppedStaged: a stopped world that was of another generation when it was last seen becomes what is asked for,
// and one that has a copy gets no mounts back.
func TestStoppedStaged(t *testing.T) {
	b := newBench(t)
	b.spec.Layout = layout.ServiceV1.Name
	b.mustRun(t)
	b.stop(t)
	b.spec.Layout = layout.StagedV2.Name
	plan, err := b.setup().Plan(t.Context())
	if err != nil || plan.Gets.Layout != layout.StagedV2.Name {
		t.Errorf("asked for: %v, %+v", err, plan.Gets)
	}
	b.mustRun(t)
	b.wantMounts(t)
	b.stop(t)
	b.spec.Layout = ""
	if b.mustRun(t); !slices.Equal(b.steps(), []provision.StepID{provision.StepStart}) {
		t.Errorf("started again: the steps were %v", b.steps())
	}
	b.wantMounts(t)
}

// TestStageRefused: there is nothing to copy where the project is mounted, or where there is no VM.
func TestStageRefused(t *testing.T) {
	b := newBench(t)
	_, err := b.setup().Stage(t.Context())
	wantKind(t, err, provision.KindUnhealthy, "no VM", "worldsetup")
	b.mustRun(t)
	_, err = b.setup().Stage(t.Context())
	wantKind(t, err, provision.KindUsage, "mounted", "staged-v2")
}

// wantMounts wants a VM's configuration to have the mounts at some points.
func (b *bench) wantMounts(t *testing.T, points ...string) {
	t.Helper()
	instance, err := lima.Client{Runner: b.World, Home: b.spec.LimaHome}.Find(t.Context(), provision.DefaultVM)
	if err != nil || instance == nil {
		t.Fatal(err)
	}
	var have []string
	for _, mount := range instance.Config.Mounts {
		have = append(have, *mount.MountPoint)
	}
	if !slices.Equal(have, points) {
		t.Errorf("it has the mounts %q, want %q", have, points)
	}
}
