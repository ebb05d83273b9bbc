package provision

import (
	"context"
	"sync"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// proving says whether connections are made while the world is observed.
type proving int

const (
	never    proving = iota
	whenIdle         // they are made, and given up when something is to be changed first
	always
)

// view is what was seen of the world at one time.
type view struct {
	state  State
	plan   Plan
	proven *proofs // nil when nothing was proven, because there is something to change first
}

// look makes the first plan: it finds out what the host has, checks the prerequisites while it observes, and has Lima say
// whether it would take what the plan is going to give it.
func (r *run) look(ctx context.Context, prove proving) (view, error) {
	instance, err := r.aim(ctx)
	if err != nil {
		return view{}, err
	}
	var now view
	var wait sync.WaitGroup
	wait.Go(func() { now = r.examine(ctx, instance, prove) })
	checkErr := r.check(ctx, instance, nil)
	wait.Wait()
	switch {
	case ctx.Err() != nil:
		return now, interrupted(ctx)
	case checkErr != nil:
		return now, checkErr
	case now.plan.Err() != nil:
		return now, nil // the plan says so itself
	}
	return now, r.validate(ctx, now.state, now.plan)
}

// lookAgain observes after steps were done. Proving begins at once when the layout should be complete.
func (r *run) lookAgain(ctx context.Context) (view, error) {
	if now, seen := r.seenAhead(ctx); seen {
		return now, nil
	}
	instance, err := r.observer().find(ctx)
	if err != nil {
		return view{}, limaError(ctx, "Lima could not be asked about its VMs", err)
	}
	prove := whenIdle
	if r.booting.going() {
		prove = never
	}
	now := r.examine(ctx, instance, prove)
	if now.plan.complete() && now.proven == nil && ctx.Err() == nil {
		proven := r.verifier().verify(ctx, instance)
		now.proven = &proven
		r.learn(ctx, &now)
	}
	if ctx.Err() != nil {
		return now, interrupted(ctx)
	}
	return now, nil
}

// examine observes, plans, and proves meanwhile.
func (r *run) examine(ctx context.Context, instance *limatype.Instance, prove proving) view {
	var now view
	proving, cancel := context.WithCancel(ctx)
	defer cancel()
	var wait sync.WaitGroup
	if prove != never && instance != nil && instance.Status == limatype.StatusRunning && instance.Config != nil {
		wait.Go(func() {
			proven := r.verifier().verify(proving, instance)
			now.proven = &proven
		})
	}
	now.state = r.observe(ctx, instance)
	now.plan = r.plan(now.state)
	abandon := !now.plan.complete() && (prove != always || now.state.Guest == nil)
	if abandon {
		cancel()
	}
	wait.Wait()
	if abandon {
		now.proven = nil
	}
	r.learn(ctx, &now)
	r.checkLastWay(ctx, &now)
	return now
}

// learn plans anew for what only the proofs have shown.
func (r *run) learn(ctx context.Context, now *view) {
	if now.proven == nil || now.state.Guest == nil || ctx.Err() != nil {
		return
	}
	if !now.proven.entered {
		if !now.state.SharedDead && now.proven.refusal != nil {
			explainRefusal(ctx, r.session(now.state), &now.state, now.proven.refusal)
		}
		now.plan = r.plan(now.state)
		return
	}
	for _, access := range now.proven.access {
		if access.Who == WhoRoot && access.Outcome != OK {
			now.state.Unanswered = access.Found
		}
	}
	if now.state.Unanswered == "" && now.proven.failed(WhoClient) {
		explainRefusal(ctx, r.session(now.state), &now.state, &rejection{what: refusedForward})
	}
	now.plan = r.plan(now.state)
}

// aim asks Lima for the instance and completes the target with what the host has for it. Bad input is said first; a
// Lima that does not answer is for the prerequisites to explain.
func (r *run) aim(ctx context.Context) (*limatype.Instance, error) {
	instance, findErr := r.observer().find(ctx)
	if ctx.Err() != nil {
		return nil, interrupted(ctx)
	}
	target, err := newTarget(r.target.spec, instance)
	if err != nil {
		return nil, err
	}
	r.target = target
	if findErr == nil {
		return instance, nil
	}
	if err := r.check(ctx, nil, findErr); err != nil {
		return nil, err
	}
	return nil, limaError(ctx, "Lima could not be asked about its VMs", findErr)
}
