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
func (r *run) putBack(ctx context.Context, err error) error {
	failure := AsError(err)
	undo, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), undoDeadline, errors.New("no end within "+undoDeadline.String()))
	defer cancel()
	said, undoErr := r.undoSwap(undo)
	if undoErr != nil {
		failure.Why = strings.TrimSpace(fmt.Sprintf("%s\nundoing it failed as well: %v; nothing of the old VM was removed, and a rerun goes on with that", failure.Why, undoErr))
		failure.Next = "run worldsetup again, which first brings the old VM back; the log is " + LogPath(r.target.spec)
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
func (r *run) undoSwap(ctx context.Context) (said string, err error) {
	siblings := r.place.Survey()
	touched := r.swap.stopped || siblings.Backup || siblings.Displaced || !siblings.VM
	if siblings.Pending() {
		if err := r.step(ctx, State{}, newStep(StepUndoAside, "it was not proven"), r.steps+3); err != nil {
			return "", err
		}
	}
	if err := r.recover(ctx); err != nil {
		return "", err
	}
	switch {
	case !touched:
		return "the old VM was not touched", nil
	case !r.swap.before.Ran:
		return "the old VM has its name back; it is stopped, as it was", nil
	}
	return r.revive(ctx)
}

// revive starts the old VM and proves that it answers whom it answered before.
func (r *run) revive(ctx context.Context) (said string, err error) {
	if err := r.step(ctx, State{}, newStep(StepUndoStart, "it ran before"), r.steps+2); err != nil {
		return "", err
	}
	if len(r.swap.before.Answered) == 0 {
		return "the old VM has its name back and runs; it answered nobody before either", nil
	}
	if err := r.step(ctx, State{}, newStep(StepUndoProve, "it has to be as it was"), r.steps+1); err != nil {
		return "", err
	}
	return "the old VM has its name back, runs, and answers as it did", nil
}

// answers connects to the VM, and says who is not met as in before any more. Who was not answered then, by a VM that was
// damaged, need not be now.
func (r *run) answers(ctx context.Context, instance *limatype.Instance, before vmswap.Note) error {
	var errs []error
	for _, access := range r.prove(ctx, instance).access {
		if access.Outcome != OK && before.Had(string(access.Who)) {
			errs = append(errs, fmt.Errorf("access as %s: %s, where %q was due", access.Who, access.Found, access.Want))
		}
	}
	return errors.Join(errs...)
}

// ensureRunning starts the VM if it does not run.
func (r *run) ensureRunning(ctx context.Context, _ State, _ Step, line func(string)) error {
	instance, err := r.find(ctx)
	if err != nil {
		return err
	}
	if instance == nil {
		return fmt.Errorf("there is no VM called %s", r.target.spec.VM)
	}
	if instance.Status == limatype.StatusRunning {
		return nil
	}
	if instance.Status != limatype.StatusStopped {
		if err := r.lima.Stop(ctx, instance.Name, true, line); err != nil {
			return err
		}
	}
	return r.lima.Start(ctx, instance.Name, line)
}

// proveOld connects to a VM that was brought back.
func (r *run) proveOld(ctx context.Context, _ State, _ Step, _ func(string)) error {
	instance, err := r.find(ctx)
	if err != nil {
		return err
	}
	if instance == nil {
		return fmt.Errorf("there is no VM called %s", r.target.spec.VM)
	}
	return r.answers(ctx, instance, r.swap.before)
}
