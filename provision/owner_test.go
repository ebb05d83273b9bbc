package provision_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/internal/fake"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

const foreignProfile = "images:\n- location: /image\n"

// foreign returns a bench with a foreign VM that is running.
func foreign(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.create(t, "substrate", foreignProfile)
	if err := (lima.Client{Runner: b.World}).Start(t.Context(), "substrate", nil); err != nil {
		t.Fatal(err)
	}
	b.ForgetCalls()
	return b
}

// unchanged wants nothing to have been done to the VMs since the last ForgetCalls.
func (b *bench) unchanged(t *testing.T) {
	t.Helper()
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("it changed %v", changes)
	}
}

// TestForeignVM: a foreign VM is left alone by everything, whatever is consented to but the adoption, and the way to
// that is named.
func TestForeignVM(t *testing.T) {
	for name, do := range map[string]func(*testing.T, *bench) error{
		"run":     func(t *testing.T, b *bench) error { return b.run(t) },
		"replace": func(t *testing.T, b *bench) error { b.spec.Replace = "substrate"; return b.run(t) },
		"remove":  func(t *testing.T, b *bench) error { return b.removeErr(t) },
		"restore": func(t *testing.T, b *bench) error {
			b.create(t, oldVM, foreignProfile+"# worldsetup made this VM, in the run 1\n")
			b.ForgetCalls()
			return b.restoreErr(t)
		},
		"leftovers": func(t *testing.T, b *bench) error {
			b.create(t, "substrate.ws-tmp", foreignProfile+"# worldsetup made this VM, in the run 1\n")
			b.ForgetCalls()
			return b.run(t)
		},
	} {
		for _, running := range []bool{true, false} {
			b := foreign(t)
			if !running {
				b.stop(t)
				b.ForgetCalls()
			}
			before := b.VM("substrate").Fingerprint()
			err := do(t, b)
			wantKind(t, err, provision.KindUsage, "the VM substrate is not a world", "--adopt=substrate")
			if !provision.IsForeign(err) {
				t.Errorf("%s: %v", name, err)
			}
			b.unchanged(t)
			if b.VM("substrate").Fingerprint() != before {
				t.Errorf("%s: the VM was changed", name)
			}
		}
	}
}

// TestForeignReport: the plan and the report show whose a VM is, and why.
func TestForeignReport(t *testing.T) {
	b := foreign(t)
	plan, err := b.setup().Plan(t.Context())
	if err != nil || !plan.Foreign() || plan.Existing == nil || plan.Existing.Owner.Ours || len(plan.Steps) > 0 {
		t.Errorf("the plan is %+v, %v", plan, err)
	}
	health, err := b.setup().Status(t.Context())
	wantKind(t, err, provision.KindUnhealthy, "nothing shows that it is a world", "--adopt=substrate")
	if !health.Drift.Foreign() {
		t.Errorf("the report is %+v", health)
	}
	b.unchanged(t)

	own := newBench(t)
	own.mustRun(t)
	plan, err = own.setup().Plan(t.Context())
	if owner := plan.Existing.Owner; err != nil || !owner.Ours || plan.Existing.ProtectedBy != "worldsetup" ||
		!strings.Contains(strings.Join(owner.Signs, "; "), "it forwards /run/substrate.sock") {
		t.Errorf("the plan of a world is %+v, %v", plan.Existing, err)
	}
}

// TestAdopt: with the consent, a foreign VM becomes a world, and is one from then on.
func TestAdopt(t *testing.T) {
	b := foreign(t)
	b.spec.Adopt = "other"
	wantKind(t, b.run(t), provision.KindUsage, `the consent is for the VM "other"`)
	b.spec.Adopt = "substrate"
	plan, err := b.setup().Plan(t.Context())
	if err != nil || !plan.Adopts() || plan.Steps[0].ID != provision.StepAdopt {
		t.Fatalf("the plan is %+v, %v", plan, err)
	}
	b.unchanged(t)
	b.mustRun(t)
	if steps := b.steps(); steps[0] != provision.StepAdopt {
		t.Errorf("the steps were %v", steps)
	}
	for _, adopt := range []string{"substrate", ""} {
		b.spec.Adopt = adopt
		b.mustRun(t)
		if len(b.steps()) > 0 {
			t.Errorf("the next run did %v", b.steps())
		}
	}
	if err := b.removeErr(t); err != nil {
		t.Error(err)
	}
	b.only(t)
}

// TestStoppedStranger: a VM that is stopped may belong to the broker, which only its inside shows. Neither what others
// write into a lima.yaml as well nor the consent is enough to change it: it is started first, by who knows it.
func TestStoppedStranger(t *testing.T) {
	for words, profile := range map[string]string{
		"its inside was not seen":  "",
		"only its lima.yaml":       "portForwards:\n- guestSocket: /run/substrate.sock\n  hostSocket: agent.sock\n",
		"belongs to the signed br": "env:\n  SUBSTRATE_LIMA_HOST_PLATFORM_CONTROL_ROOT: /Users/sam/.lima\n",
		"belongs to the signed":    "param:\n  host: SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT\n",
		"belongs to the":           "message: the commitment is in SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT\n",
	} {
		b := newBench(t)
		b.create(t, "substrate", foreignProfile+profile)
		if err := (lima.Client{Runner: b.World}).Start(t.Context(), "substrate", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat("agent.sock"); err == nil {
			t.Error("its socket is in the working directory, and not in the VM's")
		}
		b.VM("substrate").Change(func(c *fake.Conditions) { c.Broker = layout.AgentV1.Service() })
		b.stop(t)
		before := b.VM("substrate").Fingerprint()
		for _, spec := range []provision.Spec{{}, {Adopt: "substrate"}, {Adopt: "substrate", Replace: "substrate"}} {
			b.spec.Adopt, b.spec.Replace = spec.Adopt, spec.Replace
			b.ForgetCalls()
			err := b.run(t)
			wantKind(t, err, provision.KindUsage, words)
			if !strings.HasPrefix(words, "belongs") && spec.Adopt != "" {
				wantKind(t, err, provision.KindUsage, "limactl start substrate")
			}
			b.unchanged(t)
			if b.VM("substrate").Fingerprint() != before {
				t.Errorf("%q: the VM was changed", profile)
			}
		}
	}
}

// TestAdoptAndReplace: replacing a foreign VM needs both consents.
func TestAdoptAndReplace(t *testing.T) {
	b := foreign(t)
	b.emit(t, "old")
	b.spec.Adopt, b.spec.Replace, b.spec.KeepOld = "substrate", "substrate", true
	b.mustRun(t)
	b.only(t, "substrate", oldVM)
	if !b.holds(oldVM, "old") {
		t.Error("it was not kept")
	}
	b.spec.Adopt = ""
	if err := b.restoreErr(t); provision.IsForeign(err) {
		t.Error(err) // it has the mark since
	}
}

// TestStrippedWorld: a world stays one without its forwards and scripts, also while it is stopped; a copy of its
// lima.yaml without any sign is none.
func TestStrippedWorld(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.stop(t)
	path := filepath.Join(b.VMDir("substrate"), "lima.yaml")
	if err := os.WriteFile(path, []byte(foreignProfile), 0o600); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t)
	b.stop(t)
	for _, name := range []string{"lima.yaml", "worldsetup-world"} {
		if err := os.Remove(filepath.Join(b.VMDir("substrate"), name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, []byte(foreignProfile), 0o600); err != nil {
		t.Fatal(err)
	}
	b.ForgetCalls()
	wantKind(t, b.run(t), provision.KindUsage, "not a world", "its inside was not seen")
	b.unchanged(t)
}

// TestAnotherWasFaster: when another program makes the VM between our plan and our creation of it, the clean-up leaves
// it alone, with a disk or without.
func TestAnotherWasFaster(t *testing.T) {
	for _, disk := range []bool{true, false} {
		b := newBench(t)
		b.Before = func(args []string) error {
			if args[len(args)-1] != "-" {
				return nil
			}
			b.Before = nil
			b.create(t, "substrate", foreignProfile)
			if !disk {
				return os.Remove(filepath.Join(b.VMDir("substrate"), "disk"))
			}
			return nil
		}
		wantKind(t, b.run(t), provision.KindProvisioning, "already exists", "left alone")
		b.only(t, "substrate")
		text, err := os.ReadFile(filepath.Join(b.VMDir("substrate"), "lima.yaml"))
		if err != nil || string(text) != foreignProfile {
			t.Errorf("its configuration is %q, %v", text, err)
		}
	}
}

// TestRemoveUnproven: a directory that is no VM, or a name beside the VM, is not removed by its name.
func TestRemoveUnproven(t *testing.T) {
	b := newBench(t)
	dir := b.VMDir("substrate")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "disk"), []byte("a disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantKind(t, b.removeErr(t), provision.KindUsage, "not a world", dir)
	b.only(t, "substrate")

	for _, name := range []string{"substrate.ws-tmp", oldVM, "substrate.ws-back"} {
		b := replacing(t)
		b.create(t, name, foreignProfile)
		b.ForgetCalls()
		wantKind(t, b.run(t), provision.KindUsage, name+" is in the way")
		wantKind(t, b.removeErr(t), provision.KindUsage, name+" is in the way")
		b.spec.Replace = ""
		b.mustRun(t)
		if steps := b.steps(); len(steps) > 0 {
			t.Errorf("beside %s it did %v", name, steps)
		}
		b.unchanged(t)
	}
}

// TestProtection: a world that is made is protected from then on, unless that is left out; nothing of ours is kept from
// its work by that.
func TestProtection(t *testing.T) {
	for _, protect := range []provision.Switch{provision.Unset, provision.On, provision.Off} {
		b := newBench(t)
		b.spec.Protect = protect
		b.mustRun(t)
		err := (lima.Client{Runner: b.World}).Delete(t.Context(), "substrate", nil)
		if refused := err != nil; refused != (protect != provision.Off) {
			t.Errorf("protect %d: limactl delete: %v", protect, err)
		}
	}
	b := replacing(t)
	b.spec.KeepOld = true
	b.mustRun(t)
	for _, name := range []string{"substrate", oldVM} {
		if err := (lima.Client{Runner: b.World}).Delete(t.Context(), name, nil); err == nil {
			t.Errorf("%s is not protected", name)
		}
	}
	if err := b.removeErr(t); err != nil {
		t.Error(err)
	}
	b.only(t)
}

// TestInterruptedProtection: a VM that a killed run did not come to protect is protected by the next one, unless that
// is left out. Of one that a user unprotected, nothing is done.
func TestInterruptedProtection(t *testing.T) {
	for _, protect := range []provision.Switch{provision.Unset, provision.Off} {
		b := newBench(t)
		b.Before = func(args []string) error {
			if slices.Contains(args, "protect") {
				return &process.KilledError{Name: "limactl", Err: errors.New("signal: killed")}
			}
			return nil
		}
		wantKind(t, b.run(t), provision.KindProvisioning, "was killed")
		b.Before = nil
		b.spec.Protect = provision.Off
		b.mustRun(t) // the rest
		b.spec.Protect = protect
		health, err := b.setup().Status(t.Context())
		left := protect == provision.Off
		if (err == nil) != left || left != !slices.ContainsFunc(health.Items, func(item provision.Item) bool {
			return item.ID == "protection" && item.Outcome == provision.Failed && item.Cost == provision.DisruptionLive
		}) {
			t.Errorf("protect %d: %v, %+v", protect, err, health.Items)
		}
		b.mustRun(t)
		if steps := b.steps(); slices.Equal(steps, []provision.StepID{provision.StepProtect}) == left {
			t.Errorf("protect %d: steps %v", protect, steps)
		}
		client := lima.Client{Runner: b.World}
		if err := client.Unprotect(t.Context(), "substrate", nil); err != nil && !left {
			t.Fatal(err)
		}
		b.idle(t)
	}
}

// TestInterruptedCreation: what we began is cleaned up, protected or not.
func TestInterruptedCreation(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b.Faults.Fail = map[string]string{"create": "failed to download the image"}
	_, err := b.setup().Run(ctx)
	wantKind(t, err, provision.KindProvisioning, "failed to download")
	b.only(t)
}

// elsewhere is a limactl of another Lima home.
type elsewhere struct{ *bench }

func (e elsewhere) Run(ctx context.Context, command lima.Command) (lima.Result, error) {
	result, err := e.World.Run(ctx, command)
	result.Stdout = []byte(strings.ReplaceAll(string(result.Stdout), e.spec.LimaHome, "/elsewhere"))
	return result, err
}

// TestAnotherHome: a VM that limactl has in another home than the Spec's is not taken for the one that is meant.
func TestAnotherHome(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.ForgetCalls()
	b.runner = elsewhere{b}
	wantKind(t, b.run(t), provision.KindPrerequisite, "another Lima home", "/elsewhere/substrate")
	wantKind(t, b.removeErr(t), provision.KindPrerequisite, "another Lima home")
	b.unchanged(t)
}
