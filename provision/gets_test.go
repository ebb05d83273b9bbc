package provision_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// A plan describes what a person gets: the defaults, what is there already, and what was asked for, which is marked.
func TestPlanHoldsWhatAPersonGets(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	b := newBench(t)
	check := func(want provision.Gets) {
		t.Helper()
		plan, err := b.setup().Plan(t.Context())
		if err != nil || plan.Gets == nil {
			t.Fatalf("%v, and %+v", err, plan.Gets)
		}
		got := *plan.Gets
		want.Project, want.Home, want.Type, want.Arch = b.spec.Project, home, got.Type, got.Arch
		changed := want.Changed
		want.Changed, got.Changed, got.Image = nil, nil, ""
		if !slices.Equal(plan.Gets.Changed, changed) || got.Agent != want.Agent || got.CPUs != want.CPUs ||
			got.Memory != want.Memory || got.Disk != want.Disk || got.Probe != want.Probe ||
			got.Download != want.Download {
			t.Errorf("it is %+v,\nwant %+v and changed %v", plan.Gets, want, changed)
		}
	}
	world := provision.Gets{
		CPUs: provision.DefaultCPUs, Memory: provision.DefaultMemory, Disk: provision.DefaultDisk, Probe: true,
		Agent: "the built-in probe",
	}
	first := world
	first.Download = true
	check(first)
	first.CPUs, first.Changed = 2, []string{"cpus"}
	b.spec.CPUs = 2
	check(first)
	b.mustRun(t)
	world.CPUs = 2
	check(world)
	b.spec.CPUs = 0
	check(world)
	b.spec.Disk = 30 << 30
	bigger := world
	bigger.Disk, bigger.Changed = 30<<30, []string{"disk"}
	check(bigger)
	b.spec.Disk = 0
	b.spec.Project = t.TempDir()
	moved := world
	moved.Changed = []string{"project"}
	check(moved)
}

func TestImageTitle(t *testing.T) {
	for image, want := range map[string]string{
		"": "", "/tmp/my.img": "my.img",
		"https://example.org/release/ubuntu-24.04-server-cloudimg-arm64.img": "Ubuntu 24.04 arm64",
	} {
		if got := (&provision.Gets{Image: image}).ImageTitle(); got != want {
			t.Errorf("%q is called %q", image, got)
		}
	}
}
