package provision

import (
	"context"
	"fmt"
	"strings"
)

// maxRounds bounds how often the world is planned for in one run. A first setup takes four: create and start, the layout,
// the marker, nothing; a restart in between makes it six, and each rung that did not help two more. More would mean that a step does not hold.
const maxRounds = 12

// converge observes, plans and applies until there is nothing left to change and everything is proven.
func (r *run) converge(ctx context.Context) (Health, error) {
	health, err := r.rounds(ctx)
	if err != nil {
		err = r.endBoot(ctx, err)
	}
	return health, err
}

func (r *run) rounds(ctx context.Context) (Health, error) {
	view, err := r.look(ctx, whenIdle)
	if err != nil {
		return Health{}, err
	}
	for round := 1; ; round++ {
		plan := view.plan
		r.events.emit(Event{Type: EventPlan, Plan: &plan})
		if err := view.plan.Err(); err != nil {
			return r.report(view), err
		}
		if err := r.consent(ctx, plan); err != nil {
			return r.report(view), err
		}
		if view.plan.complete() {
			return r.conclude(ctx, view)
		}
		if step, again := r.done.again(view.plan); again || round > maxRounds {
			if round > maxRounds || !r.climb(&view, step) {
				return r.report(view), doesNotHold(view.plan.VM, step)
			}
			continue
		}
		if err := r.apply(ctx, view.state, view.plan); err != nil {
			return r.report(view), err
		}
		if view, err = r.lookAgain(ctx); err != nil {
			return Health{}, err
		}
	}
}

// consent asks the caller before the first change, and never again.
func (r *run) consent(ctx context.Context, plan Plan) error {
	if r.approve == nil || r.steps > 0 || plan.Empty() {
		return nil
	}
	return r.approve(ctx, plan)
}

// climb plans for a restart of the VM when a step inside did not hold, once in a run: processes, sockets and file systems
// begin anew with it.
func (r *run) climb(view *view, step Step) bool {
	if r.done.unheld != "" || r.done.begun(StepStop) || view.state.Guest == nil || step.Rung.height() >= RungRestart.height() {
		return false
	}
	r.done.unheld = fmt.Sprintf("the step %q was done and did not hold: %s", step.Title, step.Reason)
	view.state.Unheld = r.done.unheld
	view.plan = r.plan(view.state)
	return true
}

// endBoot waits for the end of booting, since a run does not end before what it started, and adds to err what became of
// the VM if that was interrupted as well.
func (r *run) endBoot(ctx context.Context, err error) error {
	bootErr := r.booting.wait()
	failure := AsError(err)
	if bootErr == nil || ctx.Err() == nil || strings.Contains(failure.Why, bootErr.Error()) {
		return failure
	}
	failure.Why += "\n" + bootErr.Error()
	return failure
}

func doesNotHold(vm string, step Step) *Error {
	return &Error{
		Kind: KindProvisioning,
		What: fmt.Sprintf("the step %q was done, and is due again", step.Title),
		Why:  step.Reason,
		Next: fmt.Sprintf("something in the guest undoes it: see limactl shell --workdir / %s sudo journalctl -b, then run worldsetup again", vm),
	}
}
