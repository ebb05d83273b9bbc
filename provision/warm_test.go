package provision_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/internal/scenario"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// warm returns a bench with a VM as lima-warm.sh makes one.
func warm(t *testing.T, of layout.Layout) *bench {
	t.Helper()
	b := newBench(t)
	b.create(t, "substrate", scenario.WarmProfile(foreignProfile, os.Getenv("HOME"), b.spec.Project, of))
	if err := (lima.Client{Runner: b.World}).Start(t.Context(), "substrate", nil); err != nil {
		t.Fatal(err)
	}
	vm := b.VM("substrate")
	vm.Put("/etc/substrate-lima-layout", of.Marker+"\n")
	vm.Put(of.ServicePath(), "[Service]\n")
	vm.Put(of.SocketPath(), "[Socket]\n")
	vm.Change(func(c *fake.Conditions) { c.Pinned = true })
	b.ForgetCalls()
	return b
}

func (b *bench) limaYAML(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.spec.LimaHome, "substrate", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestWarmVM: a VM that lima-warm.sh made is recognized, running or not, and nothing is changed without consent.
func TestWarmVM(t *testing.T) {
	for _, of := range layout.All {
		for _, running := range []bool{true, false} {
			b := warm(t, of)
			if !running {
				b.stop(t)
				b.ForgetCalls()
			}
			err := b.run(t)
			wantKind(t, err, provision.KindUsage, "was made by lima-warm.sh", "writes "+of.Service()+" and "+of.Socket(),
				"--adopt=substrate")
			if !provision.IsForeign(err) {
				t.Error(err)
			}
			if running {
				wantKind(t, err, provision.KindUsage, "the layout marker")
			}
			plan, err := b.setup().Plan(t.Context())
			if err != nil || plan.Existing == nil || plan.Existing.Owner.MadeBy != layout.ToolWarm {
				t.Errorf("the plan is %+v, %v", plan.Existing, err)
			}
			wantKind(t, b.removeErr(t), provision.KindUsage, "was made by lima-warm.sh")
			b.unchanged(t)
		}
	}
}

// TestWarmAdopted: with consent the script is taken out, what it was is kept, and the VM is protected.
func TestWarmAdopted(t *testing.T) {
	for _, of := range layout.All {
		b := warm(t, of)
		before := b.limaYAML(t, "lima.yaml")
		b.spec.Adopt = "substrate"
		plan, err := b.setup().Plan(t.Context())
		if err != nil || !plan.Adopts() {
			t.Fatalf("the plan is %+v, %v", plan, err)
		}
		for id, words := range map[provision.StepID][]string{
			provision.StepAdopt: {"made by lima-warm.sh", "limactl protect"},
			provision.StepConfigure: {"writes " + of.Service() + " and " + of.Socket(), "taken out", "kept as " +
				lima.KeptConfig},
		} {
			at := slices.IndexFunc(plan.Steps, func(s provision.Step) bool { return s.ID == id })
			if at < 0 {
				t.Fatalf("no step %s in %v", id, plan.Steps)
			}
			for _, words := range words {
				if !strings.Contains(plan.Steps[at].Reason, words) {
					t.Errorf("%s does not say %q: %s", id, words, plan.Steps[at].Reason)
				}
			}
		}
		b.unchanged(t)
		b.mustRun(t)
		if b.limaYAML(t, lima.KeptConfig) != before || strings.Contains(b.limaYAML(t, "lima.yaml"), "PartOf") {
			t.Errorf("lima.yaml:\n%s\nand kept:\n%s", b.limaYAML(t, "lima.yaml"), b.limaYAML(t, lima.KeptConfig))
		}
		b.spec.Adopt = ""
		plan, err = b.setup().Plan(t.Context())
		if err != nil || len(plan.Steps) > 0 || !plan.Existing.Owner.Ours || plan.Existing.ProtectedBy != "worldsetup" {
			t.Errorf("the next plan is %+v, %v", plan, err)
		}
		health, err := b.setup().Status(t.Context())
		at := slices.IndexFunc(health.Items, func(i provision.Item) bool { return i.ID == "names" })
		if err != nil || health.Layout != of.Name || at < 0 {
			t.Fatalf("the report is %+v, %v", health, err)
		}
		if names := health.Items[at]; names.Outcome != provision.Warning ||
			!strings.Contains(names.Found, "1.1.1.1 and 1.0.0.1 only; systemd-resolved is switched off") ||
			!strings.Contains(names.Found, "host.lima.internal") ||
			!strings.Contains(names.Next, "systemctl enable --now systemd-resolved") {
			t.Errorf("the names are %+v", names)
		}
	}
}

// TestWarmProfile: a profile of lima-warm.sh's makes a world whose units stay as they are.
func TestWarmProfile(t *testing.T) {
	b := newBench(t)
	b.spec.Profile = filepath.Join(t.TempDir(), "substrate.yaml")
	text := scenario.WarmProfile(foreignProfile, "$HOME", "$PROJECT", layout.AgentV1)
	if err := os.WriteFile(b.spec.Profile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := b.setup().Plan(t.Context())
	if err != nil || len(plan.Steps) == 0 ||
		!strings.Contains(plan.Steps[0].Reason, "would write substrate-world-agent.service") {
		t.Fatalf("the plan is %+v, %v", plan, err)
	}
	b.mustRun(t)
	if have := b.limaYAML(t, "lima.yaml"); strings.Contains(have, "PartOf") || !strings.Contains(have, "after it") {
		t.Errorf("lima.yaml:\n%s", have)
	}
	b.mustRun(t)
	if len(b.steps()) > 0 {
		t.Errorf("the next run did %v", b.steps())
	}
}

// TestWarmScriptForAll: a script that Lima gives to all VMs can't be taken out of one.
func TestWarmScriptForAll(t *testing.T) {
	b := newBench(t)
	script := "provision:\n- mode: system\n  script: |\n    cat >/etc/systemd/system/substrate-world-agent.socket\n"
	path := b.decide(t, "override.yaml", script)
	wantKind(t, b.run(t), provision.KindUsage, "a script that writes substrate-world-agent.socket",
		"written by worldsetup alone", "remove lines 2 to 4 from "+path)
}

// TestBroker: a VM of the broker's is reported and proven, and changed by nothing.
func TestBroker(t *testing.T) {
	for name, broken := range map[string]func(*testing.T, *bench){
		"inside": func(_ *testing.T, b *bench) {
			b.VM("substrate").Change(func(c *fake.Conditions) { c.Broker = "substrate-world-agent.service" })
		},
		"configuration": func(t *testing.T, b *bench) {
			path := filepath.Join(b.spec.LimaHome, "substrate", "lima.yaml")
			text := b.limaYAML(t, "lima.yaml") + "\n# SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT=1\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		b := newBench(t)
		b.mustRun(t)
		broken(t, b)
		b.VM("substrate").Put("/etc/systemd/system/substrate-world-agent.service", "[Service]\n# another's\n")
		b.ForgetCalls()
		for _, consent := range []string{"", "substrate"} {
			b.spec.Adopt, b.spec.Replace = consent, consent
			err := b.run(t)
			wantKind(t, err, provision.KindUsage, "belongs to the signed broker", "SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT",
				"the tool that owns it")
			if provision.IsForeign(err) {
				t.Errorf("%s: it asks for an adoption: %v", name, err)
			}
		}
		b.spec.Adopt, b.spec.Replace = "", ""
		health, err := b.setup().Status(t.Context())
		wantKind(t, err, provision.KindUnhealthy, "the tool that owns it")
		for _, access := range health.Access {
			if access.Outcome != provision.OK {
				t.Errorf("%s: %+v", name, access)
			}
		}
		if wrong := health.Wrong(); len(health.Access) == 0 || len(wrong) != 1 || wrong[0].ID != "owner" {
			t.Errorf("%s: %d kinds of access; wrong are %+v", name, len(health.Access), wrong)
		}
		b.unchanged(t)
	}
}
