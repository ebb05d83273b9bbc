package provision

import (
	"context"
	"fmt"

	"github.com/atomize-hq/worldsetup/provision/vmswap"
	"github.com/lima-vm/lima/v2/pkg/limatype"
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
	if err := r.swap.restore(ctx); err != nil {
		return Health{}, r.finish(err)
	}
	r.swap.heedNothing() // it is another VM now, with a project of its own
	health, err := r.status(ctx)
	return health, r.finish(err)
}

func (w *replacement) restore(ctx context.Context) error {
	consent := w.heedNothing()
	_, plan, err := w.planRestore(ctx)
	if err != nil {
		return err
	}
	w.run.events.emit(Event{Type: EventPlan, Plan: &plan})
	if plan.has(StepRestorePlace) && consent == "" {
		return needsConsent(plan, "restore", "--replace")
	}
	if err := w.run.consent(ctx, plan); err != nil {
		return err
	}
	if w.run.place.Survey().Pending() { // the other one never was a world
		w.resume()
		_, err := w.undoSwap(ctx)
		return err
	}
	return w.bringBack(ctx)
}

// bringBack carries out the plan, after what a killed run has left is ended.
func (w *replacement) bringBack(ctx context.Context) error {
	if err := w.recover(ctx); err != nil {
		return err
	}
	if w.run.steps > 0 && !w.run.place.Survey().Backup { // it is back already
		return w.run.step(ctx, State{}, startKept(), w.run.steps+1)
	}
	instance, plan, err := w.planRestore(ctx) // of what is left to do
	if err != nil {
		return err
	}
	return w.exchange(ctx, instance, plan)
}

// exchange carries out the plan of a restoration, or undoes it.
func (w *replacement) exchange(ctx context.Context, instance *limatype.Instance, plan Plan) error {
	w.underway = true
	state := w.run.observe(ctx, instance)
	w.recordBefore(ctx, state)
	for i, step := range plan.Steps {
		err := w.run.step(ctx, state, step, w.run.steps+len(plan.Steps)-i)
		if siblings := w.run.place.Survey(); err != nil && (siblings.Displaced || !siblings.Spare) {
			return w.putBack(ctx, err)
		}
		if err != nil {
			return err // of removing what is not needed any more; the next run goes on with that
		}
	}
	w.underway = false
	return nil
}

// proveKept wants the user to be answered by the VM that was brought back, and root. What else is amiss with an old world
// is for a repair.
func (w *replacement) proveKept(ctx context.Context, _ State, _ Step, _ func(string)) error {
	instance, err := w.run.vm.find(ctx)
	if err != nil {
		return err
	}
	if instance == nil {
		return fmt.Errorf("there is no VM called %s", w.run.target.spec.VM)
	}
	return w.answers(ctx, instance, vmswap.Note{Answered: []string{string(WhoUser), string(WhoRoot)}})
}
