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

// replacement replaces, restores and removes whole VMs: it takes the steps of [vmswap] in their order, and rolls back what
// fails.
type replacement struct {
	run       *run
	underway  bool        // from the first thing that is made to the end
	before    vmswap.Note // how the old VM was
	earlier   vmswap.Note // how a killed run found the VM that it was about to replace
	stopped   bool        // it ran, and was stopped for this
	resumed   bool        // it was begun by a run that was killed
	removeOld bool        // the old VM is to be removed in the end
}

// transact finds out what a killed run left and ends that, and then makes the world what it should be. Where another VM
// takes the place of the old one, the old one is removed after the new one was proven, and gets its name back otherwise.
func (w *replacement) transact(ctx context.Context) (Health, error) {
	if err := w.approveRecovery(ctx); err != nil {
		return Health{}, err
	}
	if err := w.recover(ctx); err != nil {
		return Health{}, err
	}
	if w.run.place.Survey().Pending() {
		w.resume()
		w.run.target.spec.Replace = "" // that is what is being done
	}
	health, err := w.run.converge(ctx)
	switch {
	case !w.underway:
		return health, err
	case err == nil:
		if err = w.commit(ctx); err == nil || !w.run.place.Survey().Pending() {
			return health, err
		}
	case w.resumed && w.run.steps == 0 && nothingTried(err):
		return health, err
	}
	health.Ready = false // it is about the other one
	return health, w.putBack(ctx, err)
}

// resume takes up a replacement that a killed run has left open.
func (w *replacement) resume() {
	before, _ := w.run.place.ReadNote()
	w.underway, w.before, w.stopped, w.resumed = true, before, before.Ran, true
	w.removeOld = w.run.target.spec.Replace != "" && !w.run.target.spec.KeepOld
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
func (w *replacement) approveRecovery(ctx context.Context) error {
	if w.run.approve == nil || len(w.run.place.Survey().Recovery()) == 0 {
		return nil
	}
	instance, err := w.run.vm.find(ctx)
	if err != nil {
		return limaError(ctx, "Lima could not be asked about its VMs", err)
	}
	return w.run.consent(ctx, w.run.examine(ctx, instance, never).plan)
}

// recover ends what a killed run left half done, step by step.
func (w *replacement) recover(ctx context.Context) error {
	if before, found := w.run.place.ReadNote(); found {
		w.earlier = before
	}
	for range 10 { // far more than there are states
		steps := recoverySteps(w.run.place.Survey().Recovery())
		if len(steps) == 0 {
			return nil
		}
		if err := w.run.step(ctx, State{}, steps[0], w.run.steps+len(steps)); err != nil {
			return err
		}
	}
	return errors.New("what an interrupted run has left does not go away")
}

// commit says that the new VM is the world from now on, and then does with the old one what was asked for.
func (w *replacement) commit(ctx context.Context) error {
	keep := newStep(StepReplaceKeep, "`worldsetup restore` brings it back")
	if w.resumed && !w.removeOld {
		keep.Reason = fmt.Sprintf("this run was not told --replace=%s; `worldsetup restore` brings it back", w.run.target.spec.VM)
	}
	if !w.removeOld {
		return w.run.step(ctx, State{}, keep, w.run.steps+1)
	}
	err := w.run.step(ctx, State{}, newStep(StepReplaceRemove, "the new one was proven"), w.run.steps+1)
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
