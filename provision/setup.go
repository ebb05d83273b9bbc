package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/guest"
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

// Setup sets up the world that a Spec describes. It allows one call at a time.
type Setup struct {
	Spec Spec
	// Edges returns the edges for the resolved Spec; nil means [Machine].
	Edges func(Spec) Edges
	// Events gets every event, in order, one at a time; the run waits until it returns. nil discards them.
	Events func(Event)
	// Approve is called once, before the first change, with the plan that is about to be carried out. An error of it
	// ends the run with nothing changed, and is returned; nil means go ahead, up to the disruption of that plan (see
	// [Spec.Allow]). Restore and Remove ask as well, when they have the consent.
	Approve func(ctx context.Context, plan Plan) error
	// TrustUnits is called before units that a project brings are installed; an error of it ends the run, and is returned.
	// nil trusts none: a project may come from anyone. See [UntrustedUnits].
	TrustUnits func(ctx context.Context, units ProjectUnits) error
	// Reuse has Status verify over the connections that are open, in one round trip, as long as it finds nothing wrong: it
	// makes no login of its own. What it leaves out has the outcome [Omitted].
	Reuse bool
}

// Run makes the world that the Spec describes, verifies it and returns its health. The Health is filled in as far as
// the run came, also when there is an error. A nil error means that the world is ready.
func (s *Setup) Run(ctx context.Context) (Health, error) {
	r, err := s.begin()
	if err != nil {
		return Health{}, r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	// Bad input, and a context that has ended already, are errors before the lock is taken, if this may have to wait for
	// it.
	held := freeLock(r.target.spec, r.start)
	if held != nil { // otherwise it lists the VMs again, after a wait
		r.vm.prefetch.begin(ctx, r.vm.observer, r.target.spec, whenIdle.ask())
	}
	instance, err := r.resolve(ctx)
	if err != nil {
		held.Close()
		return Health{}, r.finish(err)
	}
	if held != nil { // no other run came in between
		r.listed = instance
	}
	release, err := r.enter(ctx, held)
	if err != nil {
		return Health{}, r.finish(err)
	}
	defer release()
	health, err := r.swap.transact(ctx)
	if err == nil {
		remember(r.target.spec, r.place, health, r.vm.prefetch.first)
	}
	return health, r.finish(err)
}

// enter takes the lock, unless it is held, and begins the log; release ends both.
func (r *run) enter(ctx context.Context, held *os.File) (release func(), err error) {
	unlock, err := lock(ctx, r.target.spec, r.events, held)
	if err != nil {
		return nil, err
	}
	if r.events.journal, err = openJournal(LogPath(r.target.spec)); err != nil {
		unlock()
		return nil, &Error{
			Kind: KindPrerequisite, What: "no log can be written in the state directory", Why: err.Error(),
			Next: fmt.Sprintf("make %s a directory that only you can write to, or set XDG_STATE_HOME to "+
				"one", r.target.spec.StateDir), Err: err,
		}
	}
	sweep(ctx, r.place.Dir(""))
	return func() { r.events.journal.close(); unlock() }, nil
}

// Plan observes and returns Run's first plan, and changes nothing. A plan that is blocked or that asks for a
// replacement is returned as such, without an error. With an error of KindPrerequisite, the plan is what Run would do
// once this machine has what it lacks; it is empty when Lima can't list its VMs.
func (s *Setup) Plan(ctx context.Context) (Plan, error) {
	r, err := s.begin()
	if err != nil {
		return Plan{}, r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	view, err := r.foresee(ctx)
	if info := underWay(r.target.spec); info != nil && err == nil {
		return Plan{}, r.finish(busy(r.target.spec, info)) // the world is incomplete
	}
	return r.times.preview(view.plan), r.finish(err)
}

// Status observes and verifies the world as it is, and changes nothing. The error is of KindUnhealthy when the world is
// not ready; Health holds the reasons. While a run is in progress on the VM, the error is of KindBusy and describes
// that run, and there is no Health.
func (s *Setup) Status(ctx context.Context) (Health, error) {
	r, err := s.begin()
	if err != nil {
		return Health{}, r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	if info := underWay(r.target.spec); info != nil {
		return Health{}, r.finish(busy(r.target.spec, info))
	}
	r.target.spec.RebuildAgent = false // a request to do something, not a state of the world
	when := always
	if s.Reuse {
		when = overOpen
	}
	r.vm.prefetch.begin(ctx, r.vm.observer, r.target.spec, when.ask())
	health, err := r.reportStatus(ctx, when)
	if info := underWay(r.target.spec); info != nil { // it started meanwhile
		return Health{}, r.finish(busy(r.target.spec, info))
	}
	return health, r.finish(err)
}

// run is one call of Run, Plan or Status.
type run struct {
	target  target
	edges   Edges
	lima    lima.Client
	place   vmswap.Place
	events  *emitter
	consent consent
	start   time.Time
	listed  *limatype.Instance // as Lima has it, for the first observation; nil when that has to ask
	steps   int                // begun so far
	list    agreed
	times   times
	done    history
	swap    *replacement
	vm      vmLifecycle
	builder builder
	tasks   tasks
	ahead   ahead
}

// newRun returns a run whose parts know each other.
func newRun(events *emitter) *run {
	r := &run{events: events}
	r.list.events = events
	r.times = times{target: &r.target, edges: &r.edges, activity: &r.vm.activity, list: &r.list}
	r.swap, r.ahead = &replacement{run: r}, ahead{run: r}
	return r
}

// begin resolves the Spec. The run is usable for finish even when there is an error.
func (s *Setup) begin() (*run, error) {
	r := newRun(&emitter{now: time.Now, handle: s.Events})
	r.consent, r.start = consent{approve: s.Approve, trustUnits: s.TrustUnits}, time.Now()
	spec, err := s.Spec.Resolve()
	if err != nil {
		return r, err
	}
	edges := s.Edges
	if edges == nil {
		edges = Machine
	}
	r.edges = edges(spec)
	if r.edges.Lima == nil || r.edges.Guest == nil || r.edges.Checks == nil || r.edges.Now == nil {
		return r, errors.New("an edge of the Setup is missing")
	}
	if r.edges.Folders == nil {
		r.edges.Folders = vmswap.HostFolders()
	}
	r.lima = lima.Client{Runner: r.edges.Lima, Home: spec.LimaHome}
	r.events.now, r.start = r.edges.Now, r.edges.Now()
	r.target.spec, r.consent.allow = spec, spec.Allow
	r.place = vmswap.Place{Home: spec.LimaHome, VM: spec.VM, Lima: r.lima, Folders: r.edges.Folders}
	r.vm.observer = observer{r.lima, r.place, r.edges.Guest, r.edges.Now}
	r.events.emit(Event{Type: EventStarted, Message: "the VM " + spec.VM})
	return r, nil
}

// again returns a run that has observed nothing yet, and emits nothing.
func (r *run) again() *run {
	fresh := newRun(&emitter{now: r.edges.Now})
	fresh.edges, fresh.lima, fresh.place, fresh.vm.observer = r.edges, r.lima, r.place, r.vm.observer
	fresh.target.spec, fresh.start = r.target.spec, r.start
	return fresh
}

// finish emits the last event and returns err as an *Error, or nil.
func (r *run) finish(err error) error { return r.end(err, err == nil) }

func (r *run) end(err error, ready bool) error {
	r.vm.prefetch.drop()
	failure := AsError(err)
	if failure == nil {
		r.list.emitSkipped(r.list.skip(func(agreedStep) bool { return true }))
	}
	r.times.record(ready)
	_, ofLima := errors.AsType[*lima.CommandError](err)
	if failure != nil && failure.Kind == KindPrerequisite && r.steps > 0 && (ofLima || killed(err)) {
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

func (s State) route() guest.Route {
	if s.SharedDead {
		return guest.Fresh
	}
	return guest.Shared
}

// change makes one change, within guestDeadline.
func (s session) change(ctx context.Context, change guest.Change) error {
	ctx, cancel := context.WithTimeoutCause(ctx, guestDeadline, fmt.Errorf("no end within %v", guestDeadline))
	defer cancel()
	return s.Change(ctx, s.route, []guest.Change{change}, func() {})
}

// sweep removes the files that killed runs left: profiles that Lima was to validate, and sockets that were forwarded
// for a verification. Files that are still in use stay; errors are ignored, since the files do no harm.
func sweep(ctx context.Context, dir string) {
	profiles, _ := filepath.Glob(filepath.Join(os.TempDir(), lima.ProfilePrefix+"*.yaml"))
	for _, path := range profiles {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), lima.ProfilePrefix), "-")
		if pid, err := strconv.Atoi(text); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.Remove(path)
		}
	}
	entries, _ := os.ReadDir(dir) // no VM, no sockets
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		ours, _ := filepath.Match("p.????????.sock", entry.Name())
		if ours && entry.Type() == os.ModeSocket && !accepts(ctx, path) {
			_ = os.Remove(path)
		}
	}
}
