package provision_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// lifecycle are the two things that are done about a VM as a whole.
var lifecycle = map[string]struct {
	plan func(*provision.Setup, context.Context) (provision.Plan, error)
	act  func(*provision.Setup, context.Context) error
}{
	"restore": {(*provision.Setup).PlanRestore, func(s *provision.Setup, ctx context.Context) error {
		_, err := s.Restore(ctx)
		return err
	}},
	"remove": {(*provision.Setup).PlanRemove, (*provision.Setup).Remove},
}

// TestApproveLifecycle: what is approved of is the plan that was had beforehand, before the first change; a no leaves
// everything.
func TestApproveLifecycle(t *testing.T) {
	for name, whole := range lifecycle {
		t.Run(name, func(t *testing.T) {
			b := kept(t)
			b.spec.Replace = ""
			b.ForgetCalls()
			planned, err := whole.plan(b.setup(), t.Context())
			if err != nil || len(planned.Steps) == 0 || planned.Existing == nil || planned.Existing.Kept != oldVM {
				t.Fatalf("%+v, %v", planned, err)
			}
			b.spec.Restore, b.spec.Remove = "substrate", "substrate"
			refused, setup := errors.New("not today"), b.setup()
			setup.Approve = func(_ context.Context, plan provision.Plan) error {
				if !reflect.DeepEqual(plan, planned) {
					t.Errorf("asked about\n%+v, where the plan was\n%+v", plan, planned)
				}
				return refused
			}
			if err := whole.act(setup, t.Context()); !errors.Is(err, refused) ||
				len(b.changes()) > 0 || len(b.steps()) > 0 {
				t.Errorf("%v, and it changed %v", err, b.changes())
			}
			b.only(t, "substrate", oldVM)
		})
	}
}

// TestPlanLifecycleOfLeftovers: what a killed run left is part of the plan, and is ended only after that was approved
// of.
func TestPlanLifecycleOfLeftovers(t *testing.T) {
	for left, moves := range map[string][][2]string{
		"displaced": {{"substrate", oldVM}}, "restoring": {{"substrate", "substrate.ws-back"}},
		"unproven": {{"substrate", "substrate.ws-back"}, {oldVM, "substrate"}},
		"staged":   {{oldVM, "substrate.ws-tmp"}, {"substrate", oldVM}},
	} {
		for name, whole := range lifecycle {
			t.Run(left+"/"+name, func(t *testing.T) {
				b := kept(t)
				b.stop(t)
				if left == "displaced" {
					if err := os.RemoveAll(b.VMDir(oldVM)); err != nil {
						t.Fatal(err)
					}
				}
				for _, move := range moves {
					if err := os.Rename(b.VMDir(move[0]), b.VMDir(move[1])); err != nil {
						t.Fatal(err)
					}
				}
				planned, err := whole.plan(b.setup(), t.Context())
				if err != nil || len(b.steps()) > 0 {
					t.Fatalf("%v, %v", err, b.steps())
				}
				setup := b.setup()
				setup.Spec.Restore, setup.Spec.Remove = "substrate", "substrate"
				setup.Approve = func(_ context.Context, plan provision.Plan) error {
					if !reflect.DeepEqual(plan, planned) || len(b.steps()) > 0 {
						t.Errorf("asked about %+v after %v", plan, b.steps())
					}
					return nil
				}
				if err := whole.act(setup, t.Context()); err != nil {
					t.Fatal(err)
				}
				var ids []provision.StepID
				for _, step := range planned.Steps {
					ids = append(ids, step.ID)
				}
				if !reflect.DeepEqual(b.steps(), ids) {
					t.Errorf("planned %v, done %v", ids, b.steps())
				}
			})
		}
	}
}

// TestPlanLifecycleRefused: what no one may do away with is refused before anyone is asked.
func TestPlanLifecycleRefused(t *testing.T) {
	for name, whole := range lifecycle {
		t.Run(name, func(t *testing.T) {
			b := kept(t)
			b.spec.Replace = ""
			path, later := filepath.Join(b.VMDir("substrate"), "protected"), time.Now().Add(time.Hour)
			if err := os.Chtimes(path, later, later); err != nil { // ours was lifted, and another one is there
				t.Fatal(err)
			}
			b.ForgetCalls()
			_, err := whole.plan(b.setup(), t.Context())
			wantKind(t, err, provision.KindUsage, "limactl unprotect substrate")
			if len(b.changes()) > 0 {
				t.Errorf("it changed %v", b.changes())
			}
		})
	}
}

// TestRestoreJudgesWhatIsThere: what was chosen for another VM is not asked of the one that comes back.
func TestRestoreJudgesWhatIsThere(t *testing.T) {
	b := kept(t)
	b.spec.Disk, b.spec.CPUs, b.spec.Project = 64<<30, 3, t.TempDir()
	b.spec.Restore = "substrate"
	if health, err := b.setup().Restore(t.Context()); err != nil || !health.Ready {
		t.Errorf("%v: %+v", err, health.Drift)
	}
}

// TestRestoreOfAnUnfinishedReplacement: the VM that a killed run had not verified yet may have been worked in since.
func TestRestoreOfAnUnfinishedReplacement(t *testing.T) {
	b := kept(t)
	if err := os.WriteFile(filepath.Join(b.VMDir("substrate"), "worldsetup-unproven"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.ForgetCalls()
	_, err := b.setup().Restore(t.Context())
	wantKind(t, err, provision.KindReplacement, "needs consent", "worldsetup restore --replace=substrate")
	b.unchanged(t)
	b.only(t, "substrate", oldVM)
	plan, err := b.setup().PlanRestore(t.Context())
	if deleted, _ := plan.RestoreLosses(); err != nil || !strings.Contains(deleted, "of the current VM, the disk") {
		t.Errorf("it would delete %q: %v", deleted, err)
	}
	wantKind(t, b.restoreErr(t), provision.KindUnhealthy, "VM: stopped") // as it was left, as far as is known
	b.only(t, "substrate")
}

// TestRestoreWithoutAName: a restoration needs a name that an earlier one has left in use.
func TestRestoreWithoutAName(t *testing.T) {
	b := kept(t)
	b.create(t, "substrate.ws-back", foreignProfile+"# worldsetup made this VM, in the run 1\n")
	b.ForgetCalls()
	wantKind(t, b.restoreErr(t), provision.KindUsage, "substrate.ws-back is in the way",
		"limactl delete substrate.ws-back")
	b.unchanged(t)
}
