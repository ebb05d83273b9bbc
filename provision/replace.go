package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// undoDeadline bounds the undoing of a replacement, which has to start a VM.
const undoDeadline = 12 * time.Minute

// swap is a replacement, or a restoration, from the first thing that it makes to the end.
type swap struct {
	before  vmswap.Note // how the old VM was
	stopped bool        // it ran, and was stopped for this
	resumed bool        // it was begun by a run that was killed
	remove  bool        // the old VM is to be removed in the end
}

// transact finds out what a killed run left and ends that, and then makes the world what it should be. Where another VM
// takes the place of the old one, the old one is removed after the new one was proven, and gets its name back otherwise.
func (r *run) transact(ctx context.Context) (Health, error) {
	if err := r.approveRecovery(ctx); err != nil {
		return Health{}, err
	}
	if err := r.recover(ctx); err != nil {
		return Health{}, err
	}
	if r.place.Survey().Pending() {
		r.resume()
		r.target.spec.Replace = "" // that is what is being done
	}
	health, err := r.converge(ctx)
	switch {
	case r.swap == nil:
		return health, err
	case err == nil:
		if err = r.commit(ctx); err == nil || !r.place.Survey().Pending() {
			return health, err
		}
	case r.swap.resumed && r.steps == 0 && nothingTried(err):
		return health, err
	}
	health.Ready = false // it is about the other one
	return health, r.putBack(ctx, err)
}

// resume takes up a replacement that a killed run has left open.
func (r *run) resume() {
	before, _ := r.place.ReadNote()
	r.swap = &swap{before: before, stopped: before.Ran, resumed: true, remove: r.target.spec.Replace != "" && !r.target.spec.KeepOld}
}

// nothingTried says that a run failed before it could find out what becomes of the VM.
func nothingTried(err error) bool {
	switch AsError(err).Kind {
	case KindUsage, KindPrerequisite, KindInterrupted:
		return true
	}
	return false
}

// approveRecovery asks the caller before anything of what a killed run left is touched.
func (r *run) approveRecovery(ctx context.Context) error {
	if r.approve == nil || len(r.place.Survey().Recovery()) == 0 {
		return nil
	}
	instance, err := r.find(ctx)
	if err != nil {
		return limaError(ctx, "Lima could not be asked about its VMs", err)
	}
	return r.consent(ctx, r.examine(ctx, instance, never).plan)
}

// recover ends what a killed run left half done, step by step.
func (r *run) recover(ctx context.Context) error {
	if before, found := r.place.ReadNote(); found {
		r.before = before
	}
	for range 10 { // far more than there are states
		steps := recoverySteps(r.place.Survey().Recovery())
		if len(steps) == 0 {
			return nil
		}
		if err := r.step(ctx, State{}, steps[0], r.steps+len(steps)); err != nil {
			return err
		}
	}
	return errors.New("what an interrupted run has left does not go away")
}

// commit says that the new VM is the world from now on, and then does with the old one what was asked for.
func (r *run) commit(ctx context.Context) error {
	keep := newStep(StepReplaceKeep, "`worldsetup restore` brings it back")
	if r.swap.resumed && !r.swap.remove {
		keep.Reason = fmt.Sprintf("this run was not told --replace=%s; `worldsetup restore` brings it back", r.target.spec.VM)
	}
	if !r.swap.remove {
		return r.step(ctx, State{}, keep, r.steps+1)
	}
	err := r.step(ctx, State{}, newStep(StepReplaceRemove, "the new one was proven"), r.steps+1)
	if failure := AsError(err); failure != nil {
		failure.Why = strings.TrimSpace(failure.Why + "\nthe new world is ready; what is left of the old VM is no part of it")
		return failure
	}
	return nil
}

// recoverySteps returns the steps of a recovery.
func recoverySteps(actions []vmswap.Action) (steps []Step) {
	for _, action := range actions {
		steps = append(steps, newStep(StepID(action.ID), action.Reason))
	}
	return steps
}
