package provision

import (
	"context"
	"fmt"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
)

// Restore brings the kept VM back, in the place of the one that replaced it, and proves that it answers; the other one is
// removed after that, or with KeepOld is the kept one then. It takes the consent that a replacement takes, and undoes
// everything when something fails. The kept VM is not changed inside.
func (s *Setup) Restore(ctx context.Context) (Health, error) {
	r, err := s.begin()
	if err != nil {
		return Health{}, r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	release, err := r.enter(ctx)
	if err != nil {
		return Health{}, r.finish(err)
	}
	defer release()
	if err := r.restore(ctx); err != nil {
		return Health{}, r.finish(err)
	}
	health, err := r.status(ctx)
	return health, r.finish(err)
}

func (r *run) restore(ctx context.Context) error {
	if err := r.recover(ctx); err != nil {
		return err
	}
	siblings := survey(r.target.spec)
	if siblings.open() { // the other one never was a world
		r.resume()
		_, err := r.undoSwap(ctx)
		return err
	}
	consent := r.target.spec.Replace
	r.target.spec.Replace = "" // what is looked at from here on is what is there
	instance, err := r.aim(ctx)
	switch {
	case err != nil:
		return err
	case !siblings.Old && r.steps > 0: // it is back already
		return r.ensureRunning(ctx, nil)
	case !siblings.Old:
		return &Error{
			Kind: KindUsage, What: fmt.Sprintf("no old VM is kept for %s", r.target.spec.VM), Why: fmt.Sprintf("there is none called %s", r.target.spec.VM+oldSuffix),
			Next: "see `limactl list`; --keep-old keeps the old VM when it is replaced",
		}
	}
	if !hasConfig(r.dir(oldSuffix)) {
		return &Error{
			Kind: KindUsage, What: fmt.Sprintf("the kept VM %s cannot be brought back", r.target.spec.VM+oldSuffix), Why: "it has no " + filenames.LimaYAML,
			Next: "look into " + r.dir(oldSuffix) + ", and if nothing in it is needed, remove it",
		}
	}
	if refused := refusal(r.target.spec, State{Instance: instance, Siblings: siblings}); refused != nil {
		return refused
	}
	plan := restorePlan(r.target.spec, instance)
	r.events.emit(Event{Type: EventPlan, Plan: &plan})
	if consent == "" {
		return needsConsent(plan, "restore", "--replace")
	}
	return r.exchange(ctx, instance, plan)
}

// restorePlan is how the kept VM comes back.
func restorePlan(spec Spec, instance *limatype.Instance) Plan {
	plan := Plan{VM: spec.VM, Steps: []Step{}}
	if instance.Status != limatype.StatusStopped {
		plan.Steps = append(plan.Steps, step(StepRestoreStop, "the kept VM takes its place"))
	}
	plan.Steps = append(plan.Steps,
		step(StepRestoreAside, "it stays whole until the kept one was proven"), step(StepRestorePlace, "the other one has made way"),
		step(StepRestoreStart, "it was stopped when it was replaced"), step(StepRestoreProve, "it has to be a world"))
	if spec.KeepOld {
		plan.Steps = append(plan.Steps, step(StepRestoreKeep, "it was asked for"))
	} else {
		plan.Steps = append(plan.Steps, step(StepRestoreRemove, "the kept one was proven by then"))
	}
	return plan
}

// exchange carries out the plan of a restoration, or undoes it.
func (r *run) exchange(ctx context.Context, instance *limatype.Instance, plan Plan) error {
	r.swap = &swap{}
	state := r.observe(ctx, instance)
	r.notice(ctx, state)
	for i, step := range plan.Steps {
		err := r.step(ctx, state, step, r.steps+len(plan.Steps)-i)
		if siblings := survey(r.target.spec); err != nil && (siblings.Current || !siblings.Spare) {
			return r.putBack(ctx, err)
		}
		if err != nil {
			return err // of removing what is not needed any more; the next run goes on with that
		}
	}
	r.swap = nil
	return nil
}

// actOnKept does what the steps of restoring and removing are there for.
func (r *run) actOnKept(ctx context.Context, step Step, line func(string)) error {
	switch step.ID {
	case StepRestoreStop:
		return r.stopOld(ctx, line)
	case StepRestoreAside:
		return r.move("", currentSuffix)
	case StepRestorePlace:
		return r.move(oldSuffix, "")
	case StepRestoreStart:
		return r.ensureRunning(ctx, line)
	case StepRestoreProve:
		return r.proveKept(ctx)
	case StepRestoreRemove:
		return r.discard(ctx, currentSuffix, line)
	case StepRestoreKeep:
		return r.move(currentSuffix, oldSuffix)
	case StepRemoveKept:
		return r.discard(ctx, oldSuffix, line)
	case StepRemoveVM:
		if survey(r.target.spec).Current {
			return r.discard(ctx, currentSuffix, line)
		}
		return r.discard(ctx, "", line)
	}
	return fmt.Errorf("no way to do the step %q is known", step.ID)
}

// proveKept wants the user to be answered by the VM that was brought back, and root. What else is amiss with an old world
// is for a repair.
func (r *run) proveKept(ctx context.Context) error {
	instance, err := r.find(ctx)
	if err != nil {
		return err
	}
	if instance == nil {
		return fmt.Errorf("there is no VM called %s", r.target.spec.VM)
	}
	return r.answers(ctx, instance, note{Answered: []Who{WhoUser, WhoRoot}})
}
