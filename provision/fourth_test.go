package provision_test

import (
	"slices"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// fourths are generations that no one has made: each is one row, and the engine has not heard of it.
var fourths = []layout.Layout{
	{
		Name: "kernel-v3", Marker: "kernel-v3", Unit: "substrate-kernel", Title: "Kernel", Package: "kernel",
		Backend: "kernel", Companions: []layout.Companion{{Name: "tool", Without: "nothing"}},
	},
	{
		Name: "kernel-v4", Marker: "kernel-v4", Unit: "substrate-kernel", Title: "Kernel", Package: "kernel",
		Backend: "kernel", Staging: "/srv/projects", Runtime: []string{"kernel", "tools"}, Templates: true,
	},
}

// TestAFourthGeneration: a generation that is only one more row is created, repaired, kept without being asked for,
// made of each older one, and chosen by the name of the agent.
func TestAFourthGeneration(t *testing.T) {
	before := layout.All
	t.Cleanup(func() { layout.All = before })
	for _, fourth := range fourths {
		layout.All = append(slices.Clone(before), fourth)
		t.Run(fourth.Name, func(t *testing.T) {
			for _, from := range before {
				t.Run("from "+from.Name, func(t *testing.T) { testFourth(t, from, fourth) })
			}
			t.Run("by its agent", func(t *testing.T) {
				b := newBench(t)
				b.spec.Agent = ""
				b.write(t, "bin/linux/"+fourth.Package, elfProgram(t, "it answers"))
				if health, err := b.setup().Run(t.Context()); err != nil || health.Layout != fourth.Name {
					t.Errorf("%v, %+v", err, health)
				}
				b.wantFiles(t, fourth, before[0])
			})
		})
	}
}

func testFourth(t *testing.T, from, fourth layout.Layout) {
	b := newBench(t)
	b.spec.Layout = from.Name
	b.mustRun(t)
	b.spec.Layout = fourth.Name
	health, err := b.setup().Run(t.Context())
	if err != nil || !health.Ready || health.Layout != fourth.Name || health.Agent.Backend != fourth.Backend {
		t.Fatalf("upgraded: %v, %+v", err, health)
	}
	b.wantFiles(t, fourth, from)
	if !fourth.Mounts() {
		b.wantMounts(t)
		if !b.VM(provision.DefaultVM).HasFile(fourth.Manifest()) {
			t.Error("the project was not copied")
		}
	}

	b.spec.Layout = ""
	vm := b.VM(provision.DefaultVM)
	vm.Remove(fourth.ServicePath())
	vm.Chmod(guest.SocketPath, 0o666)
	if health, err := b.setup().Run(t.Context()); err != nil || !health.Ready || health.Layout != fourth.Name {
		t.Fatalf("repaired: %v, %+v", err, health)
	}
	b.wantFiles(t, fourth, from)
	if b.mustRun(t); len(b.steps()) > 0 {
		t.Errorf("again: steps %v", b.steps())
	}
	b.spec.Layout = from.Name
	wantKind(t, b.run(t), provision.KindReplacement, "generation "+fourth.Name, "--replace")

	b.spec.Layout = fourth.Name
	b.spec.VM = "other"
	b.mustRun(t)
	if status, err := b.setup().Status(t.Context()); err != nil || !status.Ready || status.Layout != fourth.Name {
		t.Errorf("created: %v, %+v", err, status)
	}
}
