package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/internal/profile"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// applyPlan carries out the plan up to the point where the world has to be observed again: after the VM was started,
// after its connection was renewed, after the root file system was made writable, after the end of booting if the agent
// is built from a mount, which comes last, and before the marker, which means that the layout was observed to be
// complete and was verified.
func (r *run) applyPlan(ctx context.Context, state State, plan Plan) error {
	defer r.tasks.end()
	for i, step := range plan.Steps {
		if step.ID == StepMarker {
			return nil
		}
		if endsConnection(step) && plan.has(StepSSHAccess) {
			return nil // first observe whether ssh accepts connections now
		}
		r.tasks.rest = plan.Steps[i:]
		r.done.add(step)
		if err := r.performStep(ctx, state, step); err != nil {
			return err
		}
		r.done.finish(step)
		if kindOf(step.ID).reobserve || step.ID == StepWaitForBoot && plan.builds() {
			return nil
		}
	}
	return nil
}

// carryOut carries out the steps of a plan, until one fails.
func carryOut(r *run, ctx context.Context, state State, plan Plan) error {
	for _, step := range plan.Steps {
		if err := r.performStep(ctx, state, step); err != nil {
			return err
		}
	}
	return nil
}

// performStep carries out one step and reports its progress.
func (r *run) performStep(ctx context.Context, state State, step Step) error {
	r.steps++
	step = r.list.begin(r.times.estimated(step))
	running := StepStatus{Number: step.Number, Of: len(r.list.steps), ID: step.ID, Title: step.Title,
		Reason: step.Reason, Added: step.Added, State: StepRunning, Usual: step.Usual}
	begun := r.edges.Now()
	waits := kindOf(step.ID).booted && r.vm.Boot.Going()
	emit := func(kind EventType, status StepStatus, message string) {
		status.Elapsed = r.edges.Now().Sub(begun)
		showActivity(&r.vm.Activity, &status)
		if waits && r.vm.Boot.Going() {
			status.Phase = "waiting for the VM to finish booting"
		} else if waits {
			status.Phase = "at work"
		}
		r.events.emit(Event{Type: kind, Step: &status, Message: message})
	}
	emit(EventStep, running, "")
	if kindOf(step.ID).reports {
		r.vm.Activity.Show(func(message string) { emit(EventProgress, running, message) })
	}
	lines := make(chan struct{}, 1)
	stop := heartbeat(lines, func() { emit(EventHeartbeat, running, "") })
	transfers, end := context.WithCancel(ctx)
	// A booting VM keeps writing lines while other steps run.
	err := r.applyStep(ctx, state, step, r.vm.Activity.Listen(transfers, func(message string) {
		select {
		case lines <- struct{}{}:
		default:
		}
		emit(EventLog, running, message)
	}))
	end()
	stop()
	r.vm.Activity.Show(nil)
	if err == nil {
		r.list.end(step, StepDone)
		r.times.add(step, r.edges.Now().Sub(begun))
		ended := running
		ended.State = StepDone
		emit(EventStep, ended, "")
		return nil
	}
	r.list.end(step, StepFailed)
	failed := running
	failed.State, failed.Error = StepFailed, r.stepError(ctx, state, step, err)
	emit(EventStep, failed, "")
	return failed.Error
}

// showActivity adds to a step's status how far the VM's boot, or a download, has come.
func showActivity(activity *lifecycle.Activity, status *StepStatus) {
	switch status.ID {
	case StepStart, StepWaitForBoot:
		status.Phase = activity.Phase()
	case StepCreate, StepReplaceCreate, StepStage:
		if transfer := activity.Transfer(); transfer != nil {
			status.Transfer = (*Transfer)(transfer)
		}
	}
}

// heartbeat calls beat whenever there was no line for HeartbeatEvery, until stop is called.
func heartbeat(lines <-chan struct{}, beat func()) (stop func()) {
	quit, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		ticker := time.NewTicker(HeartbeatEvery)
		defer ticker.Stop()
		defer crash.Catch()
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

// applyStep does the work of a step, which includes checking its outcome.
func (r *run) applyStep(ctx context.Context, state State, step Step, line func(string)) error {
	k := kindOf(step.ID)
	if k.booted {
		if err := r.vm.AwaitBoot(ctx, state.Booting, state.Instance); err != nil {
			return err
		}
		r.vm.Activity.Announce("") // the phase has changed
	}
	if k.task != nil {
		if err := r.tasks.begin(ctx, r.target, r.session(state), state.Guest); err != nil {
			return err
		}
		if r.tasks.chain != nil {
			return r.tasks.chain.awaitNext()
		}
	}
	return k.apply(r, ctx, state, step, line)
}

// stepError explains a failed step and names the evidence.
func (r *run) stepError(ctx context.Context, state State, step Step, err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	spec := r.target.spec
	failure := &Error{
		Kind: KindProvisioning, What: fmt.Sprintf("the step %q failed", step.Title), Why: err.Error(), Err: err,
		Next: carriesOn + "; the log is " + LogPath(spec),
	}
	if ctx.Err() != nil {
		interruption := interrupted(ctx)
		failure.Kind = interruption.Kind
		failure.What = fmt.Sprintf("%s during the step %q", interruption.What, step.Title)
		if _, ok := errors.AsType[*guest.ConnectionError](err); ok { // we closed the connection ourselves
			failure.Why = interruption.Why + "; what was done so far is kept"
			if !r.vm.Boot.Laying() { // else it is stopped
				failure.Why += ", and the VM is left running"
			}
		}
		if step.ID == StepStart || step.ID == StepWaitForBoot {
			failure.Why += r.vm.Activity.Evidence(r.target.vmType)
		}
		return failure
	}
	if process.Killed(err) {
		failure.Next = process.KilledNext + "; the log is " + LogPath(spec)
		return failure
	}
	if script, ok := errors.AsType[*guest.ScriptError](err); ok && script.ExitCode == guest.ExitBusy {
		failure.Next = fmt.Sprintf("wait until it has ended (limactl shell --workdir / %s ps -ef), then run "+
			"worldsetup again", shellescape.Quote(spec.VM))
		return failure
	}
	explain := kindOf(step.ID).explain
	if r.vm.Boot.Failed() && errors.Is(err, r.vm.Boot.Err) {
		explain = explainBoot
	}
	if explain != nil {
		explain(r, state, failure, err)
	}
	explainNetworks(spec.LimaHome, failure, err)
	explainObstacles(r, ctx, state, step.ID, failure, err)
	return failure
}

// chain holds the tasks of consecutive steps, which run in the guest as one call.
type chain struct {
	cancel    context.CancelCauseFunc
	deadlines []time.Duration // of those whose steps are still to come
	ended     chan struct{}   // gets one for each task that was done
	over      chan struct{}   // closed when err is valid
	err       error           // of the first task that was not done
}

// tasks runs the tasks of a plan's steps in the guest.
type tasks struct {
	rest  []Step // of the plan, from the current step on
	chain *chain // running in the guest; nil for none
}

// begin begins the tasks of the current step and of those after it, unless they are running already. Its error is about
// the current step.
func (w *tasks) begin(ctx context.Context, t target, in session, o *guest.Observation) error {
	if w.chain != nil && len(w.chain.deadlines) > 0 {
		return nil
	}
	steps := w.rest
	w.end()
	var changes []guest.Change
	c := &chain{over: make(chan struct{})}
	for _, step := range steps {
		k := kindOf(step.ID)
		if k.task == nil || k.booted && len(changes) > 0 {
			break
		}
		task, err := k.task(t, o, step)
		if err != nil && len(changes) == 0 {
			return err
		}
		if task == nil || err != nil {
			break
		}
		changes = append(changes, task.change)
		c.deadlines = append(c.deadlines, cmp.Or(task.deadline, guestDeadline))
	}
	if len(changes) == 0 {
		return nil
	}
	ctx, c.cancel = context.WithCancelCause(ctx)
	c.ended = make(chan struct{}, len(changes))
	w.chain = c
	go func() {
		defer close(c.over)
		defer crash.Catch()
		c.err = in.Change(ctx, in.route, changes, func() { c.ended <- struct{}{} })
	}()
	return nil
}

// awaitNext waits for the task of the next step.
func (c *chain) awaitNext() error {
	deadline := c.deadlines[0]
	c.deadlines = c.deadlines[1:]
	late := time.AfterFunc(deadline, crash.Guard(func() { c.cancel(overdue(deadline)) }))
	defer late.Stop()
	if len(c.deadlines) == 0 { // the last task ends with the chain
		<-c.over
		return c.err
	}
	select {
	case <-c.ended:
		return nil
	case <-c.over:
	}
	select {
	case <-c.ended: // it ended before a later one failed
		return nil
	default:
		return c.err
	}
}

// end ends the chain, if one is running.
func (w *tasks) end() {
	if w.chain != nil {
		w.chain.cancel(nil)
		<-w.chain.over
	}
	w.chain, w.rest = nil, nil
}

// obstaclesDeadline bounds the search in the guest for what keeps root from changing a file.
const obstaclesDeadline = 15 * time.Second

// changedPaths returns the files that a step changes in the guest, with the directories that they are in.
func changedPaths(id StepID, o *guest.Observation) []string {
	switch id {
	case StepGroup:
		return []string{"/etc", "/etc/group", "/etc/gshadow"}
	case StepDirectories:
		above, _ := faults.Writable(o)
		return append(above, "/var/lib", guest.StatePath, o.Home, o.Home+guest.HomeStateSuffix)
	case StepStage:
		return []string{guest.StatePath, o.Layout.Staging, o.Layout.Current()}
	case StepUnits:
		return []string{"/etc/systemd/system", o.Layout.ServicePath(), o.Layout.SocketPath()}
	case StepLinger:
		return []string{"/var/lib/systemd/linger"}
	case StepAgent, StepCompanions, StepCompanionBuild:
		files := []string{filepath.Dir(o.Layout.Agent()), o.Layout.Agent()}
		return append(files, o.Layout.CompanionFiles()...)
	case StepActivate:
		return []string{"/run", guest.SocketPath, guest.RuntimePath}
	case StepMarker:
		return []string{"/etc", guest.MarkerPath}
	case StepSSHAccess:
		return []string{o.Home, o.Home + "/.ssh", o.Home + "/.ssh/authorized_keys"}
	}
	return nil
}

// explainObstacles adds to the failure of a step what keeps even root from changing its files, if that is so. Someone
// has decided on it, so it stays.
func explainObstacles(r *run, ctx context.Context, s State, id StepID, failure *Error, err error) {
	if _, ran := errors.AsType[*guest.ScriptError](err); !ran || s.Guest == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, obstaclesDeadline)
	defer cancel()
	var why, next []string
	in := r.session(s)
	found, _ := in.Obstacles(ctx, in.route, changedPaths(id, s.Guest)) // on failure, the script's own message has to do
	for _, one := range found {
		words, command := faults.Obstacle(s.Instance.Name, one)
		if words != "" && !slices.Contains(why, words) {
			why, next = append(why, words), append(next, command)
		}
	}
	if len(why) == 0 {
		return
	}
	failure.Why = strings.Join(why, "\n") + "\n" + failure.Why
	failure.Next = strings.Join(append(next, "then run worldsetup again"), "; ")
}

// startOrStop makes the VM have a status.
func (r *run) startOrStop(ctx context.Context, status limatype.Status) error {
	instance, err := r.vm.Find(ctx)
	if err != nil {
		return limaError(ctx, cannotList, err)
	}
	state := r.observer.stateOf(instance, r.place.Observe())
	step := newStep(StepStart, "requested")
	if status == limatype.StatusStopped {
		step = newStep(StepStop, "requested")
	}
	switch refused := notSwitched(r.target.spec, state); {
	case refused != nil && instance == nil && status == limatype.StatusStopped: // it is not to be created for that
		refused.Next = "worldsetup list shows the worlds on this machine; --vm NAME names another one"
		return refused
	case refused != nil:
		return refused
	case instance.Status == status:
		return nil
	}
	of := target{vmType: instance.VMType, arch: instance.Arch, rosetta: profile.HasRosetta()}
	state.RosettaLost = of.rosettaLost(instance)
	if lost := needsRosetta(state); lost != nil && status == limatype.StatusRunning {
		return lost
	}
	r.consent.agreed = r.target.spec.Allow
	plan := Plan{Steps: []Step{step}}
	r.times.estimate(&plan)
	plan, _ = r.list.update(plan, false)
	err = r.performStep(ctx, state, plan.Steps[0])
	if bootErr := r.vm.Boot.Wait(); err == nil && bootErr != nil {
		err = r.stepError(ctx, state, step, bootErr)
	}
	if failure := AsError(err); failure != nil && failure.Kind == KindDisruption {
		failure.Next = "look at it: limactl shell " + instance.Name + "; or power it off: " +
			vmCommand("worldsetup stop --allow="+DisruptionForce.Word(), instance.Name)
		return failure
	}
	return err
}

// aheadHolds is how long early observations of a booting guest stay valid.
const aheadHolds = time.Minute

// ahead observes the finished world while the VM is still booting.
type ahead struct {
	run *run
	// last is what was observed, from begun on; nil when something was not in order.
	last  *view
	begun time.Time
}

// observe observes the finished world while Lima is still booting the VM: once the mounts are there, and then the
// host's end of the agent's socket, which come last. Before that, the boot scripts need all of the guest's CPU time.
// The result counts only when everything is ok; otherwise the world is observed again after the boot.
func (a *ahead) observe(ctx context.Context, instance *limatype.Instance) {
	r := a.run
	forwards := func() bool { return lifecycle.Accepts(ctx, lima.HostSocketPath(instance)) }
	if !r.vm.Boot.Going() ||
		!r.vm.Boot.Until(func() bool { return r.vm.Activity.Reached(lima.PhaseMounts) || forwards() }) {
		return
	}
	now, begun := view{}, r.edges.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	forwarded := make(chan struct{})
	var verifying sync.WaitGroup
	defer verifying.Wait()
	defer cancel(nil)
	verifying.Go(crash.Guard(func() {
		verified := newVerifier(r.target, r.edges).Connect(ctx, instance, forwarded)
		now.verified = &verified
	}))
	now.state = r.observer.observe(ctx, instance, r.target, r.done, nil)
	if now.state.Guest == nil || !r.vm.Boot.Until(forwards) {
		return
	}
	close(forwarded)
	late := guest.Late(verify.Deadline)
	defer time.AfterFunc(verify.Deadline, crash.Guard(func() { cancel(late) })).Stop()
	if r.observer.observeMounts(ctx, r.target, &now.state) != nil {
		return
	}
	verifying.Wait()
	now.state.Booting = false
	now.state.observeHostSocket(ctx) // it was not there yet
	now.plan = planFor(r.target, now.state)
	if r.refine(ctx, &now); now.plan.complete() && now.verified.Passed() {
		a.last, a.begun = &now, begun
	}
}

// seen returns what was observed, once, if it is fresh and the agent still answers.
func (a *ahead) seen(ctx context.Context) (now view, seen bool) {
	r, was := a.run, a.last
	if a.last = nil; was == nil || r.edges.Now().Sub(a.begun) > aheadHolds {
		return now, false
	}
	ctx, cancel := context.WithTimeoutCause(ctx, verify.Deadline, guest.Late(verify.Deadline))
	defer cancel()
	_, err := verify.Ask(ctx, r.target.layout, lima.HostSocketPath(was.state.Instance))
	return *was, err == nil
}
