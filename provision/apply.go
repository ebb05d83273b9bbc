package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Deadlines of the steps. Lima's own calls have theirs; a start takes 2 minutes under emulation, and a slow download more.
const (
	guestDeadline   = 2 * time.Minute
	packageDeadline = 15 * time.Minute
	// agentSeconds is how long a new agent may take for its first answer.
	agentSeconds = 30
)

// apply carries out the plan up to the point where the world has to be observed anew: after the VM was started, after its
// connection was made anew, after its root file system should be writable, after the end of booting if something is to be
// built from the mounts that come with it, and before the marker, which stands for a layout that was seen to be complete
// and proven.
func (r *run) apply(ctx context.Context, state State, plan Plan) error {
	defer r.unchain()
	for i, step := range plan.Steps {
		if step.ID == StepMarker {
			return nil
		}
		if endsConnection(step) && plan.has(StepEntry) {
			return nil // whether ssh lets anybody in now is seen first
		}
		r.rest = plan.Steps[i:]
		r.done.add(step)
		if err := r.step(ctx, state, step, r.steps+len(plan.Steps)-i); err != nil {
			return err
		}
		r.done.finish(step)
		switch step.ID {
		case StepStart, StepConnection, StepWritable:
			return nil
		case StepSettle:
			if plan.has(StepAgentBuild) {
				return nil
			}
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
		r.signs.on(&status)
		r.events.emit(Event{Type: kind, Step: &status, Message: message})
	}
	tell(EventStep, running, "")
	if telling(step.ID) {
		r.signs.show(func(message string) { tell(EventProgress, running, message) })
	}
	lines := make(chan struct{}, 1)
	stop := heartbeat(lines, func() { tell(EventHeartbeat, running, "") })
	transfers, end := context.WithCancel(ctx)
	// A booting VM goes on talking while other steps are done.
	err := r.act(ctx, state, step, r.listen(transfers, func(message string) {
		select {
		case lines <- struct{}{}:
		default:
		}
		tell(EventLog, running, message)
	}))
	end()
	stop()
	r.signs.show(nil)
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

// act does what a step is there for. Every branch checks its own outcome.
func (r *run) act(ctx context.Context, state State, step Step, line func(string)) error {
	if err := r.chainUp(ctx, state); err != nil {
		return err
	}
	if r.chain != nil {
		return r.chain.next()
	}
	vm := r.target.spec.VM
	switch step.ID {
	case StepStop:
		return r.stop(ctx, step.force, line)
	case StepConfigure:
		return r.lima.Edit(ctx, vm, r.target.wanted.Settings(state.Instance), line)
	case StepCreate:
		profile, err := r.target.newProfile()
		if err != nil {
			return err
		}
		return r.undo(ctx, r.lima.Create(ctx, vm, profile, line), true)
	case StepStart:
		return r.boot(ctx, r.done.steps[StepCreate], line)
	case StepSettle:
		if r.booting == nil {
			return r.awaitBoot(ctx, state)
		}
		if step.last {
			r.lookAhead(ctx, state.Instance)
		}
		return r.booting.wait()
	case StepClock, StepWritable, StepRoom, StepEntry, StepConnection:
		return r.mend(ctx, state, step, line)
	case StepAgentBuild:
		return r.buildAgent(ctx, state, line)
	case StepAgent:
		if r.target.builds() {
			return r.installBuilt(ctx, state)
		}
	case StepPassengers:
		return r.installPassengers(ctx, state, step.operands)
	case StepMarker:
		return r.mark(ctx, state)
	}
	return r.actOnVMs(ctx, state, step, line)
}

// script runs a guest script as root.
func (r *run) script(ctx context.Context, state State, deadline time.Duration, script embed.Script, input io.Reader, args ...string) error {
	_, err := r.reply(ctx, state, deadline, script, input, args...)
	return err
}

// reply is script, and what it printed.
func (r *run) reply(ctx context.Context, state State, deadline time.Duration, script embed.Script, input io.Reader, args ...string) (guest.Reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, deadline, fmt.Errorf("no end within %v", deadline))
	defer cancel()
	return r.guest(state.Instance).Exec(ctx, guest.Request{Route: state.route(), Script: script, Args: args, Root: true, Stdin: input})
}

// route is Lima's shared connection, unless that is known to be dead.
func (s State) route() guest.Route {
	if s.SharedDead {
		return guest.Fresh
	}
	return guest.Shared
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
	var script *guest.ScriptError
	switch {
	case step.ID == StepAgentBuild:
		r.buildError(failure, err)
	case step.ID == StepStart, step.ID == StepSettle:
		failure.Why += r.signs.evidence()
		failure.Next = fmt.Sprintf("see %s and serial.log beside it, then run worldsetup again; the log is %s",
			filepath.Join(spec.LimaHome, spec.VM, "ha.stderr.log"), LogPath(spec))
		if !r.done.steps[StepCreate] && r.swap == nil {
			failure.Next += "; " + lastResort(spec.VM)
		}
	case step.ID == StepActivate && errors.As(err, &script):
		failure.What = "the agent does not answer"
		failure.Why = strings.TrimSpace(script.Stderr)
		failure.Next = fmt.Sprintf("give another agent (--agent FILE), or see its log: limactl shell --workdir / %s sudo journalctl -u %s", spec.VM, guest.ServiceName)
	case step.ID == StepRoom && errors.As(err, &script):
		failure.Kind, failure.What = KindUnhealthy, "the guest's disk is full, and nothing on it can be thrown away safely"
		failure.Why = strings.TrimSpace(script.Stderr)
		failure.Next = fmt.Sprintf("remove what is not needed (limactl shell --workdir / %s sudo du -xh / | sort -h | tail), or grow it: worldsetup --disk SIZE", spec.VM)
	case step.ID == StepPackages && errors.As(err, &script) && script.ExitCode == guest.ExitLocked:
		failure.What = "another program in the guest is installing packages, and didn't finish in time"
		failure.Why = strings.TrimSpace(script.Stderr)
		failure.Next = "run worldsetup again when it has ended"
	case step.ID == StepPackages && errors.As(err, &script) && script.ExitCode == guest.ExitNoApt:
		failure.What = "the guest lacks programs that worldsetup can't install"
		failure.Why = strings.TrimSpace(script.Stderr)
		failure.Next = fmt.Sprintf("install them in the guest (limactl shell %s), then run worldsetup again", spec.VM)
	case step.ID == StepPackages:
		failure.Next = fmt.Sprintf("check the guest's way to its package mirrors: limactl shell --workdir / %s sudo apt-get update; then run worldsetup again", spec.VM)
	case step.ID == StepLinger:
		failure.Next = fmt.Sprintf("enable it by hand: limactl shell --workdir / %s sudo loginctl enable-linger %s", spec.VM, state.Guest.User)
	}
	return failure
}
