package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/hostsocket"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/internal/lock"
	"github.com/atomize-hq/worldsetup/provision/internal/profile"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

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
	// Reuse has Status and Watch verify over the connections that are open, in one round trip, as long as they find
	// nothing wrong: they make no login of their own. What they leave out has the outcome [Omitted].
	Reuse bool
}

// Edges connect a Setup to everything outside this package. All but Folders are required; [Machine]
// has the real ones.
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

// run is one call of a method of Setup.
type run struct {
	target   target
	edges    Edges
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
	connect(fresh, r.target.spec, r.edges)
	return fresh
}

// connect has a run work on the VM of a resolved Spec, through complete edges.
func connect(r *run, spec Spec, edges Edges) {
	r.target.spec, r.edges = spec, edges
	client := lima.Client{Runner: edges.Lima, Home: spec.LimaHome}
	r.place = vmswap.Place{Home: spec.LimaHome, VM: spec.VM, Lima: client, Folders: edges.Folders}
	r.vm.Place, r.vm.Now, r.observer.guest = r.place, edges.Now, edges.Guest
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
	connect(r, spec, r.edges)
	r.events.now, r.start, r.consent.allow = r.edges.Now, r.edges.Now(), spec.Allow
	r.events.emit(Event{Type: EventStarted, Message: "the VM " + spec.VM})
	return r, nil
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
	if failure != nil && failure.Kind == KindPrerequisite && r.steps > 0 {
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

// Run makes the world that the Spec describes, verifies it and returns its health. The Health is filled in as far as
// the run got, even when there is an error. A nil error means that the world is ready.
func (s *Setup) Run(ctx context.Context) (Health, error) {
	r, err := s.begin()
	if err != nil {
		return Health{}, r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	// Bad input, and a context that has ended already, are errors before the lock is taken, if this may have to wait for
	// it.
	held := lockOf(r.target.spec).TakeFree(r.start)
	if held != nil { // otherwise it lists the VMs again, after a wait
		r.observer.prefetch.begin(ctx, r.edges.Guest, r.target.spec, verify.WhenIdle.Asks())
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
		remember(r.target.spec, r.place, health, r.observer.prefetch.first)
	}
	return health, r.finish(err)
}

// enter takes the lock, unless it is held, and begins the log; release ends both.
func (r *run) enter(ctx context.Context, held *os.File) (release func(), err error) {
	unlock, err := takeLock(ctx, r.target.spec, r.events, held)
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
	lifecycle.Sweep(ctx, r.place.Dir(""))
	return func() { r.events.journal.closeFile(); unlock() }, nil
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
	when := s.verifyMode()
	r.observer.prefetch.begin(ctx, r.edges.Guest, r.target.spec, when.Asks())
	health, err := r.reportStatus(ctx, when)
	if info := underWay(r.target.spec); info != nil { // it started meanwhile
		return Health{}, r.finish(busy(r.target.spec, info))
	}
	return health, r.finish(err)
}

// verifyMode is how Status and Watch verify.
func (s *Setup) verifyMode() verify.Mode {
	if s.Reuse {
		return verify.OverOpen
	}
	return verify.Always
}

// Start starts the VM as it is, and waits until it has booted. It repairs and verifies nothing.
func (s *Setup) Start(ctx context.Context) error { return s.switchVM(ctx, limatype.StatusRunning) }

// Stop shuts the VM down; it is powered off only if the Spec allows that. What runs in it is stopped.
func (s *Setup) Stop(ctx context.Context) error { return s.switchVM(ctx, limatype.StatusStopped) }

// switchVM makes the VM have a status, while it holds the lock.
func (s *Setup) switchVM(ctx context.Context, status limatype.Status) error {
	r, err := s.begin()
	if err != nil {
		return r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	unlock, err := takeLock(ctx, r.target.spec, r.events, nil) // the log of the last run stays
	if err != nil {
		return r.finish(err)
	}
	defer unlock()
	return r.end(r.startOrStop(ctx, status), false)
}

// notSwitched returns why a VM is neither started nor stopped.
func notSwitched(spec Spec, state State) *Error {
	next := "run " + vmCommand("worldsetup", spec.VM)
	switch {
	case state.foreign():
		return foreignVM(spec, state)
	case state.Instance == nil:
		return &Error{Kind: KindUnhealthy, What: fmt.Sprintf("there is no VM called %s", spec.VM),
			Next: next + ", which creates it"}
	case state.Swap.Unfinished():
		return &Error{Kind: KindUnhealthy, What: "a replacement of the VM " + spec.VM + " was not finished",
			Next: next + ", which completes it or rolls it back"}
	case state.Instance.Status != limatype.StatusRunning && state.Instance.Status != limatype.StatusStopped:
		return &Error{Kind: KindUnhealthy,
			What: fmt.Sprintf("the VM %s is %s", spec.VM, strings.ToLower(state.Instance.Status)),
			Next: next + ", which repairs it"}
	}
	return nil
}

// Stage copies the project into the guest of a running world whose generation stages it, and does nothing else. It
// returns the plan that it carried out, which is empty when the copy is up to date.
func (s *Setup) Stage(ctx context.Context) (Plan, error) {
	r, err := s.begin()
	if err != nil {
		return Plan{}, r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	if _, err := r.resolve(ctx); err != nil {
		return Plan{}, r.finish(err)
	}
	unlock, err := takeLock(ctx, r.target.spec, r.events, nil) // the log of the last run stays
	if err != nil {
		return Plan{}, r.finish(err)
	}
	defer unlock()
	plan, err := r.stage(ctx)
	return plan, r.end(err, false)
}

// Restore restores the kept VM in the place of the one that replaced it, and verifies that it answers. After that the
// other one is removed, or with KeepOld kept in its turn. Restore needs the consent [Spec].Restore, and rolls
// everything back when something fails. It changes nothing inside the kept VM.
func (s *Setup) Restore(ctx context.Context) (Health, error) {
	r, err := s.begin()
	if err != nil {
		return Health{}, r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	release, err := r.enter(ctx, nil)
	if err != nil {
		return Health{}, r.finish(err)
	}
	defer release()
	if err := r.swap.restore(ctx); err != nil {
		return Health{}, r.finish(err)
	}
	r.swap.ignoreChoices() // it is another VM now, with a project of its own
	health, err := r.reportStatus(ctx, verify.Always)
	return health, r.finish(err)
}

// PlanRestore returns the plan of Restore, and changes nothing. It needs no consent, but returns the error of what
// Restore would refuse even with consent.
func (s *Setup) PlanRestore(ctx context.Context) (Plan, error) {
	return s.planWhole(ctx, func(w *replacement, ctx context.Context) (Plan, error) {
		_, plan, err := w.planRestore(ctx)
		return plan, err
	})
}

// Remove deletes the world: the VM, its backup and the leftovers of interrupted runs beside it, and the files about it
// in the state directory. It needs the consent [Spec].Remove. If there is nothing to remove, that is no error.
func (s *Setup) Remove(ctx context.Context) error {
	r, err := s.begin()
	if err != nil {
		return r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	release, err := r.enter(ctx, nil)
	if err != nil {
		return r.finish(err)
	}
	defer release()
	return r.end(r.swap.remove(ctx), false)
}

// PlanRemove returns the plan of Remove, and changes nothing. It needs no consent, but returns the error of what Remove
// would refuse even with consent.
func (s *Setup) PlanRemove(ctx context.Context) (Plan, error) {
	return s.planWhole(ctx, (*replacement).planRemove)
}

// planWhole makes a plan about a whole VM. While another run is in progress, its error is that of busy.
func (s *Setup) planWhole(ctx context.Context, plan func(*replacement, context.Context) (Plan, error)) (Plan, error) {
	r, err := s.begin()
	if err != nil {
		return Plan{}, r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	planned, err := plan(r.swap, ctx)
	if info := underWay(r.target.spec); info != nil && err == nil {
		return Plan{}, r.finish(busy(r.target.spec, info))
	}
	return r.times.preview(planned), r.finish(err)
}

// Find returns the VM as Lima and its directory show it, and does not observe its inside. A VM that is not a world is
// an error, and so is none.
func (s *Setup) Find(ctx context.Context) (*Existing, error) {
	r, err := s.begin()
	if err != nil {
		return nil, AsError(err)
	}
	instance, err := r.vm.Find(ctx)
	if err != nil {
		return nil, limaError(ctx, cannotList, err)
	}
	state := r.observer.stateOf(instance, r.place.Observe())
	switch {
	case state.foreign():
		return nil, foreignVM(r.target.spec, state)
	case instance == nil:
		return nil, notSwitched(r.target.spec, state)
	}
	return existing(state), nil
}

// Checks returns the prerequisites of the world that the Spec describes, not yet observed: for [checks.Run], and for
// [checks.Apply], which fixes one. A Lima that does not answer is for them to explain.
func (s *Setup) Checks(ctx context.Context) ([]checks.Check, error) {
	quiet := Setup{Spec: s.Spec, Edges: s.Edges}
	r, err := quiet.begin()
	if err != nil {
		return nil, AsError(err)
	}
	instance, findErr := r.vm.Find(ctx)
	if ctx.Err() != nil {
		return nil, interrupted(ctx)
	}
	if r.target, err = newTarget(r.target.spec, instance, profile.Embedding(ctx, r.place.Lima, findErr)); err != nil {
		return nil, AsError(err)
	}
	return r.edges.Checks(r.target.prerequisites(instance, findErr, r.place.Lima)), nil
}

// Worlds returns the names of the VMs in a Lima home whose directories show that they are worlds.
func Worlds(limaHome string) (names []string) {
	entries, _ := os.ReadDir(limaHome) // no home, no worlds
	for _, entry := range entries {
		name := entry.Name()
		if CheckName(name) == nil && entry.IsDir() && len((vmswap.Place{Home: limaHome, VM: name}).Proof("")) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// QuickStatus is what the agent answers to a client on this machine. Only [Setup.Status] shows that
// a world is ready.
type QuickStatus struct {
	Schema  int           `json:"schema"` // always Schema
	VM      string        `json:"vm"`
	Time    time.Time     `json:"time"`
	Answers bool          `json:"answers"`
	Socket  string        `json:"socket"` // on this machine, that Lima forwards
	Agent   AgentInfo     `json:"agent"`
	Took    time.Duration `json:"took_ns"` // from connecting to the answer; 0 without one
	Error   *Error        `json:"error,omitempty"`
}

// quickDeadline bounds a quick status: an agent that has to be started first takes 2 s on an emulated machine.
const quickDeadline = 5 * time.Second

// Quick asks the agent through the socket that Lima forwards, as a client does, and starts no program: not ssh, not
// limactl. It takes at most 5 s, or [Spec.Timeout] if that is shorter. The error is of KindUnhealthy when there is no
// answer, and of KindBusy while a run is in progress on the VM.
func (s *Setup) Quick(ctx context.Context) (QuickStatus, error) {
	r, err := s.begin()
	spec := r.target.spec
	if err != nil {
		return QuickStatus{}, r.finish(err)
	}
	limit := min(quickDeadline, spec.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, guest.Late(limit))
	defer cancel()
	now := QuickStatus{Schema: Schema, VM: spec.VM, Time: r.edges.Now(),
		Socket: lima.HostSocketIn(r.place.Dir(""))}
	if info := underWay(spec); info != nil {
		now.Error = busy(spec, info)
		return now, r.finish(now.Error)
	}
	begun := r.edges.Now()
	capabilities, err := askAny(ctx, now.Socket)
	if err != nil {
		now.Error = unreached(spec, now.Socket, err)
		return now, r.finish(now.Error)
	}
	now.Answers, now.Took = true, r.edges.Now().Sub(begun)
	now.Agent.describe(capabilities)
	return now, r.finish(nil)
}

// askAny makes one GET /v1/capabilities of the agent, of whatever layout, over the UNIX socket at path.
func askAny(ctx context.Context, path string) (capabilities guest.Capabilities, err error) {
	if other := hostsocket.OtherOwner(path, os.Getuid()); other != "" {
		return capabilities, errors.New("it " + other)
	}
	status, body, err := verify.Get(ctx, path)
	if err != nil {
		return capabilities, err
	}
	for _, of := range layout.All {
		if capabilities, err = guest.ParseCapabilities(of, status, body); err == nil {
			break
		}
	}
	return capabilities, err
}

// unreached returns the error of an agent that did not answer at the socket at path.
func unreached(spec Spec, path string, err error) *Error {
	failure := &Error{
		Kind: KindUnhealthy, What: fmt.Sprintf("the agent in the VM %s does not answer", spec.VM), Err: err,
		Why: fmt.Sprintf("%s: %v", path, err), Next: "see what is wrong: " + vmCommand("worldsetup status", spec.VM),
	}
	if dir := filepath.Join(spec.LimaHome, spec.VM); errors.Is(err, fs.ErrNotExist) {
		failure.Why = "the VM is not running, or its socket is not forwarded: there is no " + path
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			failure.What, failure.Why = fmt.Sprintf("there is no VM %s", spec.VM), "there is no "+dir
			failure.Next = "make one: " + vmCommand("worldsetup", spec.VM)
		}
	}
	return failure
}

// lockOf is the lock of the VM.
func lockOf(spec Spec) lock.VM {
	return lock.VM{Home: spec.LimaHome, Name: spec.VM, Log: LogPath(spec)}
}

// takeLock takes the lock of the VM. If the Spec asks for it, it waits for another run. held is the lock if it is taken
// already, else nil.
func takeLock(ctx context.Context, spec Spec, events *emitter, held *os.File) (release func(), err error) {
	var other *Error // the run that holds it
	release, err = lockOf(spec).Take(ctx, held, events.now, func(holder *lock.Holder) error {
		if other = busy(spec, infoOf(holder)); !spec.Wait {
			return other
		}
		events.emit(Event{Type: EventWaiting, Message: other.What + ": " + other.Why})
		return nil
	})
	if _, known := errors.AsType[*Error](err); err != nil && !known {
		return nil, unlocked(ctx, spec, other)
	}
	return release, err
}

// unlocked returns the error of a wait for another run that ended before that run, which may be nil.
func unlocked(ctx context.Context, spec Spec, other *Error) *Error {
	if other == nil || !errors.Is(context.Cause(ctx), errTimeout) {
		return interrupted(ctx)
	}
	other.Why += fmt.Sprintf("\nit did not end within %s", plaintext.Duration(spec.Timeout))
	other.Next = "wait longer: " + vmCommand("worldsetup --wait --timeout=2h", spec.VM) + "; or watch it: " +
		vmCommand("worldsetup status --watch", spec.VM)
	return other
}

// underWay returns the run in progress on the VM; nil when there is none.
func underWay(spec Spec) *RunInfo { return infoOf(lockOf(spec).UnderWay()) }

// infoOf describes the holder of a lock; nil for none.
func infoOf(holder *lock.Holder) *RunInfo {
	if holder == nil {
		return nil
	}
	return &RunInfo{PID: holder.PID, Since: holder.Since, Step: currentStep(holder.Log, holder.Since)}
}

// busy returns the error of a command that would see an incomplete world.
func busy(spec Spec, info *RunInfo) *Error {
	failure := &Error{
		Kind: KindBusy,
		What: fmt.Sprintf("provisioning in progress: another run of worldsetup is at work on the VM %s", spec.VM),
		Why:  "it did not report which process it is",
		Next: "wait until it has ended (--wait does that), or watch it: " + vmCommand("worldsetup status --watch", spec.VM),
	}
	if info != nil {
		failure.Why = info.String()
	}
	return failure
}

// describe adds what the agent reports about itself.
func (a *AgentInfo) describe(c guest.Capabilities) {
	a.Version, a.Backend, a.Platform, a.Features = c.Version, c.Backend, c.Platform, c.Features
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
	ctx, cancel := context.WithTimeoutCause(ctx, guestDeadline, overdue(guestDeadline))
	defer cancel()
	return s.Change(ctx, s.route, []guest.Change{change}, func() {})
}

// The deadlines of the steps. Calls of limactl have their own; a start takes 2 minutes under emulation, and a slow
// download more.
const (
	guestDeadline   = 2 * time.Minute
	packageDeadline = 15 * time.Minute
)

// overdue returns the cause of the deadline of a step, or of a part of one.
func overdue(deadline time.Duration) error { return fmt.Errorf("no end within %v", deadline) }

// task is the work of a step that is a single change by root in the guest.
type task struct {
	change   guest.Change
	deadline time.Duration // 0: guestDeadline
}

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
