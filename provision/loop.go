package provision

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/profile"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// This file is the loop of every run: observe, plan, approve, apply, verify. The world is observed again after every
// plan, until nothing is left to change and everything was verified.

// maxRounds bounds the number of plans in one run. A first setup takes four: create and start, the
// layout, the marker, nothing; a restart in between makes it six, and each escalation two more. More would
// mean that a step does not hold.
const maxRounds = 12

// converge observes, plans and applies until there is nothing left to change and everything is verified.
func (r *run) converge(ctx context.Context) (health Health, err error) {
	defer func() {
		if err != nil {
			err = r.vm.FinishBoot(ctx, err)
		}
	}()
	view, err := r.observe(ctx, verify.WhenIdle)
	if err != nil {
		return Health{}, err
	}
	for round := 1; ; round++ {
		plan := r.list.planned(view.plan, view.observedWhole())
		if err := view.plan.Err(); err != nil {
			return r.report(view), err
		}
		if err := r.consent.askCaller(ctx, plan); err != nil {
			return r.report(view), err
		}
		if view.plan.complete() {
			return r.conclude(ctx, view)
		}
		if step, again := r.done.again(view.plan); again || round > maxRounds {
			if round > maxRounds || !r.done.escalate(&view.state, step) {
				return r.report(view), doesNotHold(view.plan.VM, step, view.state.Degraded)
			}
			view.plan = planFor(r.target, view.state)
			r.times.estimate(&view.plan)
			continue
		}
		if err := r.applyPlan(ctx, view.state, plan); err != nil {
			return r.report(view), err
		}
		if view, err = r.observeAgain(ctx); err != nil {
			return Health{}, err
		}
	}
}

// observe makes the first plan. It searches the host, checks the prerequisites while it observes, and has Lima validate
// the configuration that the plan is going to use.
func (r *run) observe(ctx context.Context, when verify.Mode) (view, error) {
	instance := r.listed
	if instance == nil || r.steps > 0 || r.swap.underway { // a recovery changes what there is
		var err error
		r.observer.prefetch.drop()
		if instance, err = r.resolve(ctx); err != nil {
			return view{}, err
		}
	}
	return r.observeVM(ctx, instance, nil, when)
}

// observeVM is observe for an instance, which may be nil. findErr is why Lima did not list it.
func (r *run) observeVM(
	ctx context.Context, instance *limatype.Instance, findErr error, when verify.Mode,
) (view, error) {
	var now view
	var wait sync.WaitGroup
	t := r.target // what the VM has may change it meanwhile
	wait.Go(crash.Guard(func() { now = r.assess(ctx, instance, when) }))
	results, checkErr := r.checkMachine(ctx, t, instance, findErr)
	wait.Wait()
	r.times.observe(t, results)
	switch {
	case ctx.Err() != nil:
		return now, interrupted(ctx)
	case checkErr != nil:
		return now, checkErr
	case now.plan.Err() != nil:
		return now, nil // the plan reports it itself
	}
	r.times.estimate(&now.plan) // again, by what the checks have found
	return now, r.target.validate(ctx, r.place.Lima, now.state, now.plan)
}

// observeAgain observes after steps were done. It verifies at the same time when the layout should be complete.
func (r *run) observeAgain(ctx context.Context) (view, error) {
	if now, seen := r.ahead.seen(ctx); seen {
		return now, nil
	}
	instance, err := r.vm.Find(ctx)
	if err != nil {
		return view{}, limaError(ctx, cannotList, err)
	}
	when := verify.WhenIdle
	if r.vm.Boot.Going() {
		when = verify.Never
	}
	now := r.assess(ctx, instance, when)
	if now.plan.complete() && now.verified == nil && ctx.Err() == nil {
		verified := newVerifier(r.target, r.edges).Verify(ctx, instance)
		now.verified = &verified
		r.refine(ctx, &now)
		r.times.estimate(&now.plan)
	}
	if ctx.Err() != nil {
		return now, interrupted(ctx)
	}
	return now, nil
}

// assess observes, plans, and verifies meanwhile.
func (r *run) assess(ctx context.Context, instance *limatype.Instance, when verify.Mode) view {
	var now view
	verifying, cancel := context.WithCancel(ctx)
	defer cancel()
	verified := newVerifier(r.target, r.edges).Begin(verifying, instance, when)
	now.state = r.observer.observe(ctx, instance, r.target, r.done, when.Asks())
	if r.target.adoptLayout(now.state.Guest) {
		cancel()
		verified(nil)
		return r.assess(ctx, instance, when)
	}
	r.target.recall(now.state)
	now.plan = planFor(r.target, now.state)
	if !now.plan.complete() && (when != verify.Always || now.state.Guest == nil) {
		cancel()
		verified(nil)
	} else {
		now.verified = verified(now.state.Guest)
	}
	r.refine(ctx, &now)
	if now.state.Guest != nil && checkLastWay(ctx, r.session(now.state), &now) {
		now.plan = planFor(r.target, now.state)
	}
	r.times.estimate(&now.plan)
	return now
}

// refine plans again if the verification has shown something new.
func (r *run) refine(ctx context.Context, now *view) {
	if now.verified == nil || now.state.Guest == nil || ctx.Err() != nil {
		return
	}
	if !now.verified.Entered {
		if !now.state.SharedDead && now.verified.Refusal != nil {
			explainRefusal(ctx, r.session(now.state), &now.state, now.verified.Refusal)
		}
		now.plan = planFor(r.target, now.state)
		return
	}
	now.state.Misanswered, now.state.Unanswered = now.verified.Misanswered, ""
	for _, access := range now.verified.Access {
		if access.ID == WhoRoot && access.Outcome != OK {
			now.state.Unanswered = access.Found
		}
	}
	if now.state.Unanswered == "" && now.verified.Failed(WhoClient) {
		explainRefusal(ctx, r.session(now.state), &now.state, &verify.Rejection{What: guest.RefusedForward})
	}
	now.plan = planFor(r.target, now.state)
}

// resolve asks Lima for the instance and completes the target with the files on the host. Bad input is reported first;
// if Lima does not answer, the prerequisites that don't depend on the VM explain that.
func (r *run) resolve(ctx context.Context) (*limatype.Instance, error) {
	instance, findErr, err := r.locate(ctx)
	switch {
	case err != nil:
		return nil, err
	case r.target.noProject != nil:
		return nil, r.target.noProject
	case findErr == nil:
		return instance, nil
	}
	return nil, r.unlisted(ctx, findErr)
}

// locate is resolve for who changes nothing: findErr is why Lima did not list the VM, and the target may have no
// project.
func (r *run) locate(ctx context.Context) (instance *limatype.Instance, findErr, err error) {
	instance, findErr = r.vm.Find(ctx)
	if ctx.Err() != nil {
		return nil, nil, interrupted(ctx)
	}
	spec := r.target.spec
	if r.vm.HalfCreated(instance) {
		spec.Replace = spec.VM // what it was to be is inherited
	}
	target, err := newTarget(spec, instance, profile.Embedding(ctx, r.place.Lima, findErr))
	if err != nil {
		return nil, nil, err
	}
	target.spec.Replace = r.target.spec.Replace
	if r.target.layout.Name != "" { // the project was chosen before
		target.named = r.target.named
	}
	r.target = target
	return instance, findErr, nil
}

// hiddenVM reports whether there may be a VM that Lima did not list: without a directory of its name there is none.
func hiddenVM(place vmswap.Place, findErr error) bool { return findErr != nil && place.Observe().VM }

// unlisted returns the error of a Lima that does not list the VM: what this machine lacks may explain it.
func (r *run) unlisted(ctx context.Context, findErr error) error {
	if _, err := r.checkMachine(ctx, r.target, nil, findErr); err != nil {
		return err
	}
	return limaError(ctx, cannotList, findErr)
}

// foresee makes the plan of a run. It is there also when this machine lacks something, with the error of that.
func (r *run) foresee(ctx context.Context) (view, error) {
	instance, findErr, err := r.locate(ctx)
	switch {
	case err != nil:
		return view{}, err
	case hiddenVM(r.place, findErr):
		return view{}, r.unlisted(ctx, findErr)
	}
	return r.observeVM(ctx, instance, findErr, verify.Never)
}

// conclude ends a run in which only the layout marker is left to write. The marker comes last, after everything else
// was observed and all access was verified.
func (r *run) conclude(ctx context.Context, now view) (Health, error) {
	if now.plan.has(StepMarker) && now.verified.Passed() {
		step := now.plan.Steps[0]
		r.done.add(step)
		if err := r.performStep(ctx, now.state, step); err != nil {
			return r.report(now), err
		}
		now.state.Guest.Marker, now.state.Guest.MarkerText = r.target.layout.Marker, "" // as its script has read it back
		now.state.Guest.Files[guest.MarkerPath] = guest.File{Type: "regular file", Mode: "644", Owner: "root", Group: "root"}
		now.plan = planFor(r.target, now.state)
		r.list.planned(now.plan, now.observedWhole())
	}
	return reportHealth(r.events, r.report(now))
}

// verifiedReport observes, verifies and reports on instance, which may be nil. Over open connections it leaves out
// logins as long as nothing is wrong; else it verifies in full, which explains more.
func verifiedReport(ctx context.Context, r *run, instance *limatype.Instance, when verify.Mode) (Health, State) {
	now := r.assess(ctx, instance, when)
	health := r.report(now)
	if when == verify.OverOpen && now.state.Guest != nil && !health.Ready {
		verified := newVerifier(r.target, r.edges).Verify(ctx, instance)
		now.verified = &verified
		r.refine(ctx, &now)
		health = r.report(now)
	}
	return health, now.state
}

// reportStatus observes, verifies and reports. What this machine lacks to create or start a VM does not matter to it,
// and what it could not download now is not even checked.
func (r *run) reportStatus(ctx context.Context, when verify.Mode) (Health, error) {
	instance, findErr, err := r.locate(ctx)
	if err != nil {
		return Health{}, err
	}
	var health Health
	if hiddenVM(r.place, findErr) {
		health = reportHidden(r.target.spec, r.place.Dir(""), r.edges.Now(), limaError(ctx, cannotList, findErr))
	} else {
		health, _ = verifiedReport(ctx, r, instance, when)
	}
	if !health.Ready {
		prerequisites := r.edges.Checks(r.target.prerequisites(instance, findErr, r.place.Lima))
		health.Lacks, _ = lacks(ctx, checks.Local(prerequisites), nil)
	}
	if ctx.Err() != nil {
		return Health{}, interrupted(ctx)
	}
	if hiddenVM(r.place, findErr) {
		r.events.emit(Event{Type: EventHealth, Health: &health})
		unlisted := error(limaError(ctx, cannotList, findErr))
		return health, cmp.Or(lackError(ctx, health.Lacks, findErr), unlisted)
	}
	return reportHealth(r.events, health)
}

// doesNotHold returns the error of a step without a lasting effect. degraded is what Lima's host agent could not do at
// the VM's boot, which may be the reason.
func doesNotHold(vm string, step Step, degraded string) *Error {
	failure := &Error{
		Kind: KindProvisioning,
		What: fmt.Sprintf("the step %q had no lasting effect", step.Title),
		Why:  step.Reason,
		Next: fmt.Sprintf("something in the guest reverts it: see limactl shell --workdir / %s sudo journalctl -b, "+
			"then run worldsetup again", vm),
	}
	if degraded != "" {
		failure.Why += "\nLima calls the VM degraded: " + degraded
	}
	return failure
}
