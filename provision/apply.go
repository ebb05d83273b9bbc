package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Deadlines of the steps. Lima's own calls have theirs; a start takes 2 minutes under emulation, and a slow download more.
const (
	guestDeadline   = 2 * time.Minute
	packageDeadline = 15 * time.Minute
)

// apply carries out the plan up to the point where the world has to be observed anew: after the VM was started, after its
// connection was made anew, after its root file system should be writable, after the end of booting if something is to be
// built from the mounts that come with it, and before the marker, which stands for a layout that was seen to be complete
// and proven.
func (r *run) apply(ctx context.Context, state State, plan Plan) error {
	defer r.tasks.end()
	for i, step := range plan.Steps {
		if step.ID == StepMarker {
			return nil
		}
		if endsConnection(step) && plan.has(StepEntry) {
			return nil // whether ssh lets anybody in now is seen first
		}
		r.tasks.rest = plan.Steps[i:]
		r.done.add(step)
		if err := r.step(ctx, state, step, r.steps+len(plan.Steps)-i); err != nil {
			return err
		}
		r.done.finish(step)
		if kindOf(step.ID).reobserve || step.ID == StepSettle && plan.has(StepAgentBuild) {
			return nil
		}
	}
	return nil
}

// step carries out one step and tells how it goes.
func (r *run) step(ctx context.Context, state State, step Step, of int) error {
	r.steps++
	running := StepStatus{Number: r.steps, Of: of, ID: step.ID, Title: step.Title, Reason: step.Reason, State: StepRunning, Usual: step.Usual}
	begun := r.now()
	tell := func(kind EventType, status StepStatus, message string) {
		status.Elapsed = r.now().Sub(begun)
		r.vm.signs.on(&status)
		r.events.emit(Event{Type: kind, Step: &status, Message: message})
	}
	tell(EventStep, running, "")
	if kindOf(step.ID).reports {
		r.vm.signs.show(func(message string) { tell(EventProgress, running, message) })
	}
	lines := make(chan struct{}, 1)
	stop := heartbeat(lines, func() { tell(EventHeartbeat, running, "") })
	transfers, end := context.WithCancel(ctx)
	// A booting VM goes on talking while other steps are done.
	err := r.act(ctx, state, step, r.vm.signs.listen(transfers, func(message string) {
		select {
		case lines <- struct{}{}:
		default:
		}
		tell(EventLog, running, message)
	}))
	end()
	stop()
	r.vm.signs.show(nil)
	if err == nil {
		ended := running
		ended.State = StepDone
		tell(EventStep, ended, "")
		return nil
	}
	failed := running
	failed.State, failed.Error = StepFailed, r.stepError(ctx, state, step, err)
	tell(EventStep, failed, "")
	return failed.Error
}

// heartbeat calls beat whenever lines were silent for HeartbeatEvery, until stop is called.
func heartbeat(lines <-chan struct{}, beat func()) (stop func()) {
	quit, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		ticker := time.NewTicker(HeartbeatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-lines:
				ticker.Reset(HeartbeatEvery)
			case <-ticker.C:
				beat()
			}
		}
	}()
	return func() { close(quit); <-finished }
}

// act does what a step is there for, and checks its own outcome.
func (r *run) act(ctx context.Context, state State, step Step, line func(string)) error {
	k := kindOf(step.ID)
	if k.task != nil {
		if err := r.tasks.begin(ctx, r.target, r.session(state), state.Guest); err != nil {
			return err
		}
		if r.tasks.chain != nil {
			return r.tasks.chain.next()
		}
	}
	return k.act(r, ctx, state, step, line)
}

// stepError says what a failed step means and where its evidence is.
func (r *run) stepError(ctx context.Context, state State, step Step, err error) *Error {
	if known := (*Error)(nil); errors.As(err, &known) {
		return known
	}
	spec := r.target.spec
	failure := &Error{
		Kind: KindProvisioning, What: fmt.Sprintf("the step %q failed", step.Title), Why: err.Error(), Err: err,
		Next: fmt.Sprintf("run worldsetup again: it carries on from here; the log is %s", LogPath(spec)),
	}
	if ctx.Err() != nil {
		interruption := interrupted(ctx)
		failure.Kind = interruption.Kind
		failure.What = fmt.Sprintf("%s during the step %q", interruption.What, step.Title)
		if connection := (*guest.ConnectionError)(nil); errors.As(err, &connection) { // which we ended ourselves
			failure.Why = interruption.Why + "; the VM is left running, and what was done so far is kept"
		}
		return failure
	}
	if explain := kindOf(step.ID).explain; explain != nil {
		explain(r, state, failure, err)
	}
	return failure
}
