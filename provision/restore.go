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
	if err := r.restore(ctx); err != nil {
		return Health{}, r.finish(err)
	}
	r.heedNothing() // it is another VM now, with a project of its own
	health, err := r.status(ctx)
	return health, r.finish(err)
}

func (r *run) restore(ctx context.Context) error {
	consent := r.heedNothing()
	_, plan, err := r.planRestore(ctx)
	if err != nil {
		return err
	}
	r.events.emit(Event{Type: EventPlan, Plan: &plan})
	if plan.has(StepRestorePlace) && consent == "" {
		return needsConsent(plan, "restore", "--replace")
	}
	if err := r.consent(ctx, plan); err != nil {
		return err
	}
	if r.place.Survey().Pending() { // the other one never was a world
		r.resume()
		_, err := r.undoSwap(ctx)
		return err
	}
	return r.bringBack(ctx)
}

// bringBack carries out the plan, after what a killed run has left is ended.
func (r *run) bringBack(ctx context.Context) error {
	if err := r.recover(ctx); err != nil {
		return err
	}
	if r.steps > 0 && !r.place.Survey().Backup { // it is back already
		return r.step(ctx, State{}, startKept(), r.steps+1)
	}
	instance, plan, err := r.planRestore(ctx) // of what is left to do
	if err != nil {
		return err
	}
	return r.exchange(ctx, instance, plan)
}

// exchange carries out the plan of a restoration, or undoes it.
func (r *run) exchange(ctx context.Context, instance *limatype.Instance, plan Plan) error {
	r.swap = &swap{}
	state := r.observe(ctx, instance)
	r.recordBefore(ctx, state)
	for i, step := range plan.Steps {
		err := r.step(ctx, state, step, r.steps+len(plan.Steps)-i)
		if siblings := r.place.Survey(); err != nil && (siblings.Displaced || !siblings.Spare) {
			return r.putBack(ctx, err)
		}
		if err != nil {
			return err // of removing what is not needed any more; the next run goes on with that
		}
	}
	r.swap = nil
	return nil
}

// proveKept wants the user to be answered by the VM that was brought back, and root. What else is amiss with an old world
// is for a repair.
func (r *run) proveKept(ctx context.Context, _ State, _ Step, _ func(string)) error {
	instance, err := r.find(ctx)
	if err != nil {
		return err
	}
	if instance == nil {
		return fmt.Errorf("there is no VM called %s", r.target.spec.VM)
	}
	return r.answers(ctx, instance, vmswap.Note{Answered: []string{string(WhoUser), string(WhoRoot)}})
}
