package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// maxRounds bounds how often the world is planned for in one run. A first setup takes four: create and start, the layout,
// the marker, nothing; a restart in between makes it six, and each rung that did not help two more. More would mean that a step does not hold.
const maxRounds = 12

// converge observes, plans and applies until there is nothing left to change and everything is proven.
func (r *run) converge(ctx context.Context) (Health, error) {
	health, err := r.rounds(ctx)
	r.dismiss()
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
				return r.report(view), doesNotHold(step)
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
	if r.unheld != "" || r.done.steps[StepStop] || view.state.Guest == nil || step.Rung.height() >= RungRestart.height() {
		return false
	}
	r.unheld = fmt.Sprintf("the step %q was done and did not hold: %s", step.Title, step.Reason)
	view.state.Unheld = r.unheld
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
	instance, err := r.find(ctx)
	if err != nil {
		return view{}, limaError(ctx, "Lima could not be asked about its VMs", err)
	}
	prove := whenIdle
	if r.booting.going() {
		prove = never
	}
	now := r.examine(ctx, instance, prove)
	if now.plan.complete() && now.proven == nil && ctx.Err() == nil {
		proven := r.prove(ctx, instance)
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
			proven := r.prove(proving, instance)
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
	return now
}

// learn plans anew for what only the proofs have shown.
func (r *run) learn(ctx context.Context, now *view) {
	if now.proven == nil || now.state.Guest == nil || ctx.Err() != nil {
		return
	}
	if !now.proven.entered {
		if !now.state.SharedDead && now.proven.locked != "" {
			now.state.Locked = now.proven.locked
		}
		now.plan = makePlan(r.target, now.state)
		return
	}
	for _, access := range now.proven.access {
		if access.Who == WhoRoot && access.Outcome != OK {
			now.state.Unanswered = access.Found
		}
	}
	now.plan = r.plan(now.state)
}

// aim asks Lima for the instance and completes the target with what the host has for it. Bad input is said first; a
// Lima that does not answer is for the prerequisites to explain.
func (r *run) aim(ctx context.Context) (*limatype.Instance, error) {
	instance, findErr := r.find(ctx)
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

// history is what was begun in this run.
type history struct {
	steps    map[StepID]bool
	finished map[StepID]bool // without an error
	reasons  map[string]bool
}

// finish notes that a step came to its end.
func (h *history) finish(step Step) {
	finished := maps.Clone(h.finished) // states hold the other
	if finished == nil {
		finished = map[StepID]bool{}
	}
	finished[step.ID] = h.steps[step.ID]
	h.finished = finished
}

func (h *history) add(step Step) {
	if h.steps == nil {
		h.steps, h.reasons = map[StepID]bool{}, map[string]bool{}
	}
	h.steps[step.ID] = true
	h.reasons[string(step.ID)+": "+step.Reason] = true
}

// forget takes back that a step was begun.
func (h *history) forget(step Step) {
	delete(h.steps, step.ID)
	delete(h.reasons, string(step.ID)+": "+step.Reason)
}

// again finds a step of the plan that was done before for the very same reason: doing it once more would not help.
func (h *history) again(plan Plan) (step Step, again bool) {
	for _, step := range plan.Steps {
		follows := step.ID == StepStart || step.ID == StepSettle // of a stop, which has the reason
		if !follows && h.reasons[string(step.ID)+": "+step.Reason] {
			return step, true
		}
		if step.ID == StepStart || step.ID == StepConnection {
			break // what comes after it is planned anew then
		}
	}
	return Step{}, false
}

// status observes, proves what can be proven and reports.
func (r *run) status(ctx context.Context) (Health, error) {
	view, err := r.look(ctx, always)
	if err != nil {
		return Health{}, err
	}
	return r.settle(r.report(view))
}

// settle emits the report; a world that is not ready is an error.
func (r *run) settle(health Health) (Health, error) {
	r.events.emit(Event{Type: EventHealth, Health: &health})
	if health.Ready {
		return health, nil
	}
	return health, unhealthy(health)
}

func unhealthy(health Health) *Error {
	var why []string
	for _, item := range health.Items {
		if item.Outcome == Failed || item.Outcome == Unknown {
			why = append(why, fmt.Sprintf("%s: %s", item.Title, item.Found))
		}
	}
	for _, access := range health.Access {
		if access.Outcome != OK {
			why = append(why, fmt.Sprintf("access as %s: %s, where %q was due", access.Who, access.Found, access.Want))
		}
	}
	next := "run worldsetup, which cures what it can"
	if health.Drift.Empty() {
		next = fmt.Sprintf("see the agent's log: limactl shell --workdir / %s sudo journalctl -n 50 -u substrate-world-agent.service", health.VM)
	}
	return &Error{Kind: KindUnhealthy, What: fmt.Sprintf("the world in the VM %s is not ready", health.VM), Why: strings.Join(why, "\n"), Next: next}
}

func doesNotHold(step Step) *Error {
	return &Error{
		Kind: KindProvisioning,
		What: fmt.Sprintf("the step %q was done, and is due again", step.Title),
		Why:  step.Reason,
		Next: "something in the guest undoes it: see limactl shell --workdir / VM sudo journalctl -b, then run worldsetup again",
	}
}

// check runs the prerequisites and returns the first one that failed as an error.
func (r *run) check(ctx context.Context, instance *limatype.Instance, findErr error) error {
	var first *Error
	results := checks.Run(ctx, r.edges.Checks(r.prerequisites(instance, findErr)), func(result checks.Result) {
		r.events.emit(Event{Type: EventCheck, Check: &result})
	})
	for _, result := range results {
		if result.Outcome == Failed && first == nil {
			first = &Error{Kind: KindPrerequisite, What: result.Problem.What, Why: result.Problem.Why, Next: result.Problem.Next}
		}
	}
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if first != nil {
		return first
	}
	return nil
}

// validate finds out before the first change whether Lima would take what the plan is going to give it.
func (r *run) validate(ctx context.Context, state State, plan Plan) error {
	var profile []byte
	var err error
	switch {
	case plan.has(StepCreate), plan.has(StepReplaceCreate):
		if err := r.target.checkDigest(); err != nil {
			return err
		}
		profile, err = r.target.newProfile()
	case plan.has(StepConfigure):
		config := *state.Instance.Config
		r.target.wanted.Apply(&config)
		profile, err = lima.MarshalProfile(&config)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	err = r.lima.Validate(ctx, "", profile)
	if refused := (*lima.CommandError)(nil); errors.As(err, &refused) {
		return &Error{
			Kind: KindUsage, What: "Lima refuses the configuration that was asked for", Why: refused.Detail(),
			Next: "correct the profile or the flag that it names", Err: err,
		}
	}
	if err != nil {
		return limaError(ctx, "Lima could not check the configuration", err)
	}
	return nil
}
