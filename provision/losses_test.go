package provision

import (
	"errors"
	"strings"
	"testing"
)

func TestLosses(t *testing.T) {
	existing := &Existing{DiskUsed: 1 << 30, Project: "/home/ada/p", Kept: "w.old"}
	plan := func(replace bool, steps ...Step) Plan {
		p := Plan{VM: "w", Steps: steps, Existing: existing}
		if replace {
			p.Replace = []string{"its architecture is another one"}
		}
		return p
	}
	for name, test := range map[string]struct {
		losses        func() (deleted, kept string)
		deleted, kept string
	}{
		"replace": {plan(true, Step{Destroys: true}).Losses, "the disk of the VM",
			"restored if it never does"},
		"replace with keep": {plan(true, Step{}).Losses, "nothing: the old VM is kept", "/home/ada/p"},
		"leftovers": {plan(false, Step{ID: StepRollbackRemove, Destroys: true}).Losses, "leftovers",
			"the VM, with everything in it"},
		"restore": {plan(false, Step{ID: StepRestoreRemove, Destroys: true}).RestoreLosses,
			"of the current VM, the disk of the VM", "the VM that was kept"},
		"restore with keep": {plan(false, Step{ID: StepRestoreKeep}).RestoreLosses, "nothing",
			"the current VM, stopped"},
		"restore, leftovers": {plan(false, Step{ID: StepRollbackRemove, Destroys: true}).RestoreLosses, "leftovers",
			"/home/ada/p"},
		"restore, no other VM": {plan(false, Step{ID: StepRestorePlace}).RestoreLosses, "nothing",
			"the VM that was kept"},
		"remove": {plan(false, Step{ID: StepRemoveVM, Destroys: true}).RemoveLosses, "1 GiB used",
			"Lima's downloads"},
		"remove a kept one": {plan(false, Step{ID: StepRemoveKept, Destroys: true}).RemoveLosses,
			"the kept VM w.old with everything in it", "/home/ada/p"},
		"remove leftovers": {plan(false, Step{ID: StepRollbackRemove, Destroys: true}).RemoveLosses, "leftovers",
			"/home/ada/p"},
	} {
		if deleted, kept := test.losses(); !strings.Contains(deleted, test.deleted) ||
			!strings.Contains(kept, test.kept) {
			t.Errorf("%s: deleted: %q, kept: %q", name, deleted, kept)
		}
	}
}

func TestDestroys(t *testing.T) {
	for name, test := range map[string]struct {
		plan Plan
		want bool
	}{
		"nothing": {Plan{}, false}, "a repair": {Plan{Steps: []Step{{ID: StepStop}}}, false},
		"a replacement": {Plan{Replace: []string{"why"}}, true},
		"a removal":     {Plan{Steps: []Step{{Destroys: true}}}, true},
		"leftovers":     {Plan{Steps: []Step{{ID: StepRollbackRemove, Destroys: true}}}, false},
		"what was in use": {Plan{Steps: []Step{{ID: StepRollbackDisplace}, {ID: StepRollbackRemove, Destroys: true}}},
			true},
	} {
		if test.plan.Destroys() != test.want {
			t.Errorf("%s: Destroys is %v", name, !test.want)
		}
	}
}

// What is applied is what was agreed to.
func TestApprove(t *testing.T) {
	agreed := Plan{VM: "w", Steps: []Step{{ID: StepStop, Reason: "a"}, {ID: StepStart, Reason: "b"}}}
	if err := agreed.Approve(t.Context(), Plan{VM: "w", Steps: []Step{{ID: StepStop, Reason: "a"},
		{ID: StepStart, Reason: "b"}}}); err != nil {
		t.Errorf("the same plan: %v", err)
	}
	for name, now := range map[string]Plan{
		"another VM": {VM: "v", Steps: agreed.Steps}, "fewer steps": {VM: "w", Steps: agreed.Steps[:1]},
		"another reason": {VM: "w", Steps: []Step{{ID: StepStop, Reason: "a"}, {ID: StepStart, Reason: "c"}}},
		"another step":   {VM: "w", Steps: []Step{{ID: StepStop, Reason: "a"}, {ID: StepCreate, Reason: "b"}}},
	} {
		err := agreed.Approve(t.Context(), now)
		changed, ok := errors.AsType[ChangedError](err)
		if !ok || !changed.Plan.Same(now) || AsError(err).Kind != KindInterrupted {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRollsBack(t *testing.T) {
	for id, want := range map[StepID]bool{StepRollbackPlace: true, StepRollbackStart: true, StepRestorePlace: false,
		StepReplaceBackup: false, StepStart: false} {
		if id.RollsBack() != want {
			t.Errorf("%s: %v", id, !want)
		}
	}
}
