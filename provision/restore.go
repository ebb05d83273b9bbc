package provision

import (
	"context"
	"fmt"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// Restore restores the kept VM in the place of the one that replaced it, and verifies that it answers. After that the
// other one is removed, or with KeepOld kept in its turn. Restore needs the consent [Spec].Restore, and rolls
// everything back when something fails. It changes nothing inside the kept VM.
func (s *Setup) Restore(ctx context.Context) (Health, error) {
	r, err := s.begin()
	if err != nil {
		return Health{}, r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	release, err := r.enter(ctx, nil)
	if err != nil {
		return Health{}, r.finish(err)
	}
	defer release()
	if err := r.swap.restore(ctx); err != nil {
		return Health{}, r.finish(err)
	}
	r.swap.ignoreChoices() // it is another VM now, with a project of its own
	health, err := r.reportStatus(ctx, always)
	return health, r.finish(err)
}

func (w *replacement) restore(ctx context.Context) error {
	consent := w.run.target.spec.Restore
	w.ignoreChoices()
	_, plan, err := w.planRestore(ctx)
	if err != nil {
		return err
	}
	var missing error
	if plan.has(StepRestorePlace) && consent == "" {
		missing = needsConsent(plan, "restore", "--replace")
	}
	if err := w.approve(ctx, plan, missing); err != nil {
		return err
	}
	if w.run.place.Observe().Pending() { // the other one was never verified
		w.resume()
		_, err := w.rollBackSwap(ctx)
		return err
	}
	return w.finishRestore(ctx)
}

// finishRestore carries out the plan, after the recovery from a killed run.
func (w *replacement) finishRestore(ctx context.Context) error {
	if err := w.recover(ctx); err != nil {
		return err
	}
	if w.run.steps > 0 && !w.run.place.Observe().Backup { // it was restored already
		return w.carryOut(ctx, State{}, Plan{Steps: []Step{startKept()}})
	}
	instance, plan, err := w.planRestore(ctx) // for the rest
	if err != nil {
		return err
	}
	return w.carryOutRestore(ctx, instance, plan)
}

// carryOutRestore carries out the plan of a restoration, or rolls it back.
func (w *replacement) carryOutRestore(ctx context.Context, instance *limatype.Instance, plan Plan) error {
	w.underway = true
	state := w.run.vm.observe(ctx, instance, w.run.target, w.run.done, nil)
	w.recordBefore(ctx, state)
	if err := w.carryOut(ctx, state, plan); err != nil {
		if swap := w.run.place.Observe(); swap.Displaced || !swap.Staged {
			return w.rollBack(ctx, err)
		}
		return err // only the removal failed; the next run continues it
	}
	w.underway = false
	return nil
}

// PlanRestore returns the plan of Restore, and changes nothing. It needs no consent, but returns the error of what
// Restore would refuse even with consent.
func (s *Setup) PlanRestore(ctx context.Context) (Plan, error) {
	return s.planWhole(ctx, func(w *replacement, ctx context.Context) (Plan, error) {
		_, plan, err := w.planRestore(ctx)
		return plan, err
	})
}

// planRestore plans to restore the kept VM, or returns why that is refused.
func (w *replacement) planRestore(ctx context.Context) (*limatype.Instance, Plan, error) {
	w.ignoreChoices()
	swap := w.run.place.Observe()
	instance, err := w.run.resolve(ctx)
	switch {
	case err != nil:
		return nil, Plan{}, err
	case swap.Pending():
		return instance, w.rollbackPlan(swap), nil
	}
	actions, after := swap.Recovered()
	steps := recoverySteps(actions)
	if !after.Backup {
		if len(steps) == 0 {
			return nil, Plan{}, noneKept(w.run.target.spec)
		}
		return instance, Plan{VM: w.run.target.spec.VM, Steps: append(steps, startKept())}, nil
	}
	if swap.Backup && !w.run.place.HasConfig(vmswap.Backup) {
		return nil, Plan{}, &Error{
			Kind: KindUsage, What: fmt.Sprintf("the kept VM %s can't be restored", w.run.target.spec.VM+vmswap.Backup),
			Why:  "it has no " + filenames.LimaYAML,
			Next: "inspect " + w.run.place.Dir(vmswap.Backup) + ", and if nothing in it is needed, remove it",
		}
	}
	if refused := notOursError(w.run.target.spec, w.stateOf(instance, swap)); refused != nil {
		return nil, Plan{}, refused
	}
	if swap.Displaced && !swap.Kept() { // it is the other one, which is stopped
		instance = nil
	}
	plan := restorePlan(w.run.target.spec, instance)
	plan.Steps = append(steps, plan.Steps...)
	if plan.Existing = existing(w.stateOf(instance, swap)); plan.Existing != nil {
		plan.Existing.Kept = w.run.target.spec.VM + vmswap.Backup
	}
	return instance, plan, nil
}

func noneKept(spec Spec) *Error {
	return &Error{
		Kind: KindUsage, What: fmt.Sprintf("no old VM is kept for %s", spec.VM),
		Why:  fmt.Sprintf("there is none called %s", spec.VM+vmswap.Backup),
		Next: "see `limactl list`; --keep-old keeps the old VM when it is replaced",
	}
}

func startKept() Step { return newStep(StepRestoreStart, "it was stopped when it was replaced") }

// rollbackPlan is the plan to roll back an unfinished replacement.
func (w *replacement) rollbackPlan(swap vmswap.State) Plan {
	displace := newStep(StepRollbackDisplace, "it was not verified")
	actions, _ := swap.After(vmswap.RollbackDisplace).Recovered()
	plan := Plan{VM: w.run.target.spec.VM, Steps: append([]Step{displace}, recoverySteps(actions)...)}
	before, _ := w.run.place.ReadRecord()
	if before.Ran {
		plan.Steps = append(plan.Steps, newStep(StepRollbackStart, "it ran before"))
		if len(before.Answered) > 0 {
			plan.Steps = append(plan.Steps, newStep(StepRollbackVerify, "it has to be as it was"))
		}
	}
	return plan
}

// restorePlan is the plan to restore the kept VM in the place of the other one, which is nil if it is known to be
// stopped.
func restorePlan(spec Spec, instance *limatype.Instance) Plan {
	plan := Plan{VM: spec.VM, Steps: []Step{}}
	if instance != nil && instance.Status != limatype.StatusStopped {
		plan.Steps = append(plan.Steps, newStep(StepRestoreStop, "the kept VM takes its place"))
	}
	plan.Steps = append(plan.Steps,
		newStep(StepRestoreDisplace, "it stays whole until the kept one was verified"),
		newStep(StepRestorePlace, "the other one has made way"),
		startKept(), newStep(StepRestoreVerify, "it has to be a world"))
	if spec.KeepOld {
		plan.Steps = append(plan.Steps, newStep(StepRestoreKeep, "requested"))
	} else {
		plan.Steps = append(plan.Steps, newStep(StepRestoreRemove, "the kept one was verified by then"))
	}
	return plan
}
