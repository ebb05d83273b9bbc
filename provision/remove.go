package provision

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// Remove deletes the world: the VM, its backup and the leftovers of interrupted runs beside it, and the files about it
// in the state directory. It needs the consent [Spec].Remove. If there is nothing to remove, that is no error.
func (s *Setup) Remove(ctx context.Context) error {
	r, err := s.begin()
	if err != nil {
		return r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	release, err := r.enter(ctx, nil)
	if err != nil {
		return r.finish(err)
	}
	defer release()
	return r.end(r.swap.remove(ctx), false)
}

// PlanRemove returns the plan of Remove, and changes nothing. It needs no consent, but returns the error of what Remove
// would refuse even with consent.
func (s *Setup) PlanRemove(ctx context.Context) (Plan, error) {
	return s.planWhole(ctx, (*replacement).planRemove)
}

func (w *replacement) remove(ctx context.Context) error {
	consent := w.run.target.spec.Remove
	w.ignoreChoices()
	plan, err := w.planRemove(ctx)
	if err != nil {
		return err
	}
	var missing error
	if len(plan.Steps) > 0 && consent == "" {
		missing = needsConsent(plan, "remove", "--remove")
	}
	if err := w.approve(ctx, plan, missing); err != nil {
		return err
	}
	if err := w.carryOut(ctx, State{}, plan); err != nil {
		return err
	}
	return w.forget()
}

// planRemove plans to delete all of it, or returns why that is refused.
func (w *replacement) planRemove(ctx context.Context) (Plan, error) {
	swap := w.run.place.Observe()
	var instance *limatype.Instance
	if swap.VM && w.run.place.HasConfig("") {
		var err error
		if instance, err = w.run.vm.findOnly(ctx); err != nil {
			return Plan{}, limaError(ctx, cannotList, err)
		}
	}
	state := w.stateOf(instance, swap)
	if refused := notOursError(w.run.target.spec, state); refused != nil {
		return Plan{}, refused
	}
	for _, suffix := range []string{vmswap.Staged, vmswap.Backup, vmswap.Displaced} {
		if protector(w.run.place, suffix) == protectedByOthers {
			return Plan{}, protected(w.run.target.spec.VM + suffix)
		}
	}
	plan := removePlan(w.run.target.spec, state.Swap)
	if plan.Existing = existing(state); plan.Existing != nil && state.Swap.Backup {
		plan.Existing.Kept = w.run.target.spec.VM + vmswap.Backup
	}
	return plan, nil
}

// stateOf returns the state of instance, which may be nil, as far as Lima's home shows it. The guest is not observed.
func (w *replacement) stateOf(instance *limatype.Instance, swap vmswap.State) State {
	warm, broker := toolSigns(instance)
	return State{Instance: instance, Swap: swap, Signs: w.run.place.Proof(""), Warm: warm, Broker: broker,
		ProtectedBy: protector(w.run.place, "")}
}

// removePlan removes the VM last: as long as it is there, it is the world.
func removePlan(spec Spec, swap vmswap.State) Plan {
	plan := Plan{VM: spec.VM, Steps: []Step{}}
	if swap.Empty {
		plan.Steps = append(plan.Steps, newStep(StepRollbackEmpty, "requested"))
	}
	if swap.Staged {
		plan.Steps = append(plan.Steps, newStep(StepRollbackRemove, "an interrupted run left it"))
	}
	if swap.Backup {
		plan.Steps = append(plan.Steps, newStep(StepRemoveKept, "requested"))
	}
	if swap.Displaced {
		plan.Steps = append(plan.Steps, newStep(StepRemoveVM, "requested; an interrupted run displaced it"))
	}
	if swap.VM {
		plan.Steps = append(plan.Steps, newStep(StepRemoveVM, "requested"))
	}
	return plan
}

// forget removes the logs of the VM; the lock goes with them, while it is held.
func (w *replacement) forget() error {
	spec := w.run.target.spec
	for _, path := range []string{
		LogPath(spec), LogPath(spec) + ".old", seenPath(spec), lockFile(spec, ".run"), lockFile(spec, ".lock"),
	} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
