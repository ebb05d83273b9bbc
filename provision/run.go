package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// Edges connect a Setup to everything outside this package. All are required; [Machine] has the real ones.
type Edges struct {
	// Lima runs limactl in the Lima home of the Spec.
	Lima lima.Runner
	// Guest returns the way into the guest of a running instance, with the names of a layout.
	Guest func(instance *limatype.Instance, of layout.Layout) guest.Client
	// Checks lists the prerequisites.
	Checks func(target checks.Target) []checks.Check
	// Now is the clock.
	Now func() time.Time
	// Folders moves the directories of instances; nil means those of this machine.
	Folders vmswap.Folders
}

// Machine returns the edges of this machine for a resolved Spec: its limactl, its ssh, its clock.
func Machine(spec Spec) Edges {
	environment := append(os.Environ(), "LIMA_HOME="+spec.LimaHome)
	runner := lima.Exec{Env: environment}
	return Edges{
		Lima: runner,
		Guest: func(instance *limatype.Instance, of layout.Layout) guest.Client {
			ssh := guest.SSH{Config: instance.SSHConfigFile, VM: instance.Name, Lima: lima.Client{Runner: runner}}
			if instance.Config != nil && instance.Config.User.Name != nil {
				ssh.User = *instance.Config.User.Name
			}
			return guest.Over(ssh, of)
		},
		Checks: checks.List,
		Now:    time.Now,
	}
}

// run is one call of Run, Plan or Status.
type run struct {
	target   target
	edges    Edges
	lima     lima.Client
	place    vmswap.Place
	events   *emitter
	consent  consent
	start    time.Time
	listed   *limatype.Instance // as Lima has it, for the first observation; nil when that has to ask
	steps    int                // begun so far
	list     agreedList
	times    times
	done     history
	swap     *replacement
	vm       lifecycle.VM
	observer observer
	builder  builder
	tasks    tasks
	ahead    ahead
}

// newRun returns a run whose parts know each other.
func newRun(events *emitter) *run {
	r := &run{events: events}
	r.list.events = events
	r.times = times{target: &r.target, activity: &r.vm.Activity, list: &r.list}
	r.observer.vm = &r.vm
	r.swap, r.ahead = &replacement{run: r}, ahead{run: r}
	return r
}

// again returns a run that has observed nothing yet, and emits nothing.
func (r *run) again() *run {
	fresh := newRun(&emitter{now: r.edges.Now})
	fresh.edges, fresh.lima, fresh.place, fresh.observer.guest = r.edges, r.lima, r.place, r.observer.guest
	fresh.vm.Lima, fresh.vm.Place, fresh.vm.Now = r.vm.Lima, r.vm.Place, r.vm.Now
	fresh.target.spec, fresh.start = r.target.spec, r.start
	return fresh
}

// finish emits the last event and returns err as an *Error, or nil.
func (r *run) finish(err error) error { return r.end(err, err == nil) }

func (r *run) end(err error, ready bool) error {
	r.observer.prefetch.drop()
	failure := AsError(err)
	if failure == nil {
		r.list.emitSkipped(r.list.skip(func(agreedStep) bool { return true }))
	}
	r.times.record(ready)
	_, ofLima := errors.AsType[*lima.CommandError](err)
	if failure != nil && failure.Kind == KindPrerequisite && r.steps > 0 && (ofLima || process.Killed(err)) {
		failure.Kind = KindProvisioning // the other one means that nothing was changed
	}
	r.events.emit(Event{Type: EventFinished, Result: &Result{
		Ready: ready, Changed: r.steps > 0, Steps: r.steps, Elapsed: r.events.now().Sub(r.start), Error: failure,
	}})
	if failure == nil {
		return nil
	}
	return failure
}

// session returns the route into a guest that was observed: Lima's shared connection, unless that is dead.
type session struct {
	guest.Client
	route guest.Route
}

func (r *run) session(state State) session {
	return session{r.edges.Guest(state.Instance, r.target.layout), state.route()}
}

// change makes one change, within guestDeadline.
func (s session) change(ctx context.Context, change guest.Change) error {
	ctx, cancel := context.WithTimeoutCause(ctx, guestDeadline, fmt.Errorf("no end within %v", guestDeadline))
	defer cancel()
	return s.Change(ctx, s.route, []guest.Change{change}, func() {})
}

// The deadlines of the steps. Calls of limactl have their own; a start takes 2 minutes under emulation, and a slow
// download more.
const (
	guestDeadline   = 2 * time.Minute
	packageDeadline = 15 * time.Minute
)

// view is the state of the world at one time, with its plan.
type view struct {
	state    State
	plan     Plan
	verified *verify.Result // nil when nothing was verified, because there is something to change first
}

// observedWhole reports whether the plan holds all that is left to do: everything was observed.
func (v view) observedWhole() bool {
	return v.state.Guest != nil && !v.plan.Unseen && v.plan.Blocked == nil && len(v.plan.Replace) == 0
}

func newVerifier(t target, edges Edges) verify.Verifier {
	return verify.Verifier{Guest: edges.Guest, Layout: t.layout, Now: edges.Now, Mounts: t.mountPoints()}
}

// task is the work of a step that is a single change by root in the guest.
type task struct {
	change   guest.Change
	deadline time.Duration // 0: guestDeadline
}

func (s State) route() guest.Route {
	if s.SharedDead {
		return guest.Fresh
	}
	return guest.Shared
}
