package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/vmswap"
	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// putBack undoes the replacement that ended in err: the half-made VM goes, and the old one is what it was before. It is
// done also when err is that somebody interrupted the run.
func (w *replacement) putBack(ctx context.Context, err error) error {
	failure := AsError(err)
	undo, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), undoDeadline, errors.New("no end within "+undoDeadline.String()))
	defer cancel()
	said, undoErr := w.undoSwap(undo)
	if undoErr != nil {
		failure.Why = strings.TrimSpace(fmt.Sprintf("%s\nundoing it failed as well: %v; nothing of the old VM was removed, and a rerun goes on with that", failure.Why, undoErr))
		failure.Next = "run worldsetup again, which first brings the old VM back; the log is " + LogPath(w.run.target.spec)
		return failure
	}
	failure.Why = strings.TrimSpace(failure.Why + "\n" + said)
	if failure.Kind != KindInterrupted {
		failure.Next = strings.Replace(failure.Next, "run worldsetup again: it carries on from here", "cure that, then try the replacement again", 1)
	} else {
		failure.Next = "run it again, with the consent, if it is still wanted"
	}
	return failure
}

// undoSwap brings the old VM back, and says what it did.
func (w *replacement) undoSwap(ctx context.Context) (said string, err error) {
	siblings := w.run.place.Survey()
	touched := w.stopped || siblings.Backup || siblings.Displaced || !siblings.VM
	if siblings.Pending() {
		if err := w.run.step(ctx, State{}, newStep(StepUndoAside, "it was not proven"), w.run.steps+3); err != nil {
			return "", err
		}
	}
	if err := w.recover(ctx); err != nil {
		return "", err
	}
	switch {
	case !touched:
		return "the old VM was not touched", nil
	case !w.before.Ran:
		return "the old VM has its name back; it is stopped, as it was", nil
	}
	return w.revive(ctx)
}

// revive starts the old VM and proves that it answers whom it answered before.
func (w *replacement) revive(ctx context.Context) (said string, err error) {
	if err := w.run.step(ctx, State{}, newStep(StepUndoStart, "it ran before"), w.run.steps+2); err != nil {
		return "", err
	}
	if len(w.before.Answered) == 0 {
		return "the old VM has its name back and runs; it answered nobody before either", nil
	}
	if err := w.run.step(ctx, State{}, newStep(StepUndoProve, "it has to be as it was"), w.run.steps+1); err != nil {
		return "", err
	}
	return "the old VM has its name back, runs, and answers as it did", nil
}

// answers connects to the VM, and says who is not met as in before any more. Who was not answered then, by a VM that was
// damaged, need not be now.
func (w *replacement) answers(ctx context.Context, instance *limatype.Instance, before vmswap.Note) error {
	var errs []error
	for _, access := range w.run.verifier().verify(ctx, instance).access {
		if access.Outcome != OK && before.Had(string(access.Who)) {
			errs = append(errs, fmt.Errorf("access as %s: %s, where %q was due", access.Who, access.Found, access.Want))
		}
	}
	return errors.Join(errs...)
}

// ensureRunning starts the VM if it does not run.
func (w *replacement) ensureRunning(ctx context.Context, _ State, _ Step, line func(string)) error {
	instance, err := w.run.vm.find(ctx)
	if err != nil {
		return err
	}
	if instance == nil {
		return fmt.Errorf("there is no VM called %s", w.run.target.spec.VM)
	}
	if instance.Status == limatype.StatusRunning {
		return nil
	}
	if instance.Status != limatype.StatusStopped {
		if err := w.run.lima.Stop(ctx, instance.Name, true, line); err != nil {
			return err
		}
	}
	return w.run.lima.Start(ctx, instance.Name, line)
}

// proveOld connects to a VM that was brought back.
func (w *replacement) proveOld(ctx context.Context, _ State, _ Step, _ func(string)) error {
	instance, err := w.run.vm.find(ctx)
	if err != nil {
		return err
	}
	if instance == nil {
		return fmt.Errorf("there is no VM called %s", w.run.target.spec.VM)
	}
	return w.answers(ctx, instance, w.before)
}
