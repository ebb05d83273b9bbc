package provision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// rollbackDeadline bounds the rollback of a replacement, which has to start a VM.
const rollbackDeadline = 12 * time.Minute

// replacement replaces, restores and removes whole VMs: it takes the steps of [vmswap] in their order, and rolls back
// what fails.
type replacement struct {
	run       *run
	underway  bool          // from the first thing that is made to the end
	before    vmswap.Record // how the old VM was
	earlier   vmswap.Record // how a killed run found the VM that it was about to replace
	stopped   bool          // it ran, and was stopped for this
	resumed   bool          // it was begun by a run that was killed
	removeOld bool          // the old VM is to be removed in the end
}

// transact finds out what a killed run left and ends that, and then makes the world what it should be. Where another VM
// takes the place of the old one, the old one is removed after the new one was verified, and gets its name back
// otherwise.
func (w *replacement) transact(ctx context.Context) (Health, error) {
	if err := w.approveRecovery(ctx); err != nil {
		return Health{}, err
	}
	if err := w.recover(ctx); err != nil {
		return Health{}, err
	}
	if w.run.place.Observe().Pending() {
		w.resume()
		w.run.target.spec.Replace = "" // that is what is being done
	}
	health, err := w.run.converge(ctx)
	switch {
	case !w.underway:
		return health, err
	case err == nil:
		if err = w.commit(ctx); err == nil || !w.run.place.Observe().Pending() {
			return health, err
		}
	case w.resumed && w.run.steps == 0 && nothingTried(err):
		return health, err
	}
	health.Ready = false // it is about the other one
	return health, w.rollBack(ctx, err)
}

// resume takes up a replacement that a killed run has left open.
func (w *replacement) resume() {
	before, _ := w.run.place.ReadRecord()
	w.underway, w.before, w.stopped, w.resumed = true, before, before.Ran, true
	w.removeOld = w.run.target.spec.Replace != "" && !w.run.target.spec.KeepOld
}

// nothingTried reports that a run failed before it could find out what becomes of the VM.
func nothingTried(err error) bool {
	switch AsError(err).Kind {
	case KindUsage, KindPrerequisite, KindInterrupted:
		return true
	}
	return false
}

// approveRecovery asks the caller before anything of what a killed run left is touched.
func (w *replacement) approveRecovery(ctx context.Context) error {
	if w.run.approve == nil || len(w.run.place.Observe().Recovery()) == 0 {
		return nil
	}
	instance, err := w.run.vm.find(ctx)
	if err != nil {
		return limaError(ctx, "Lima can't list its VMs", err)
	}
	return w.run.consent(ctx, w.run.assess(ctx, instance, never).plan)
}

// recover ends what a killed run left half done, step by step.
func (w *replacement) recover(ctx context.Context) error {
	if before, found := w.run.place.ReadRecord(); found {
		w.earlier = before
	}
	for range 10 { // far more than there are states
		steps := recoverySteps(w.run.place.Observe().Recovery())
		if len(steps) == 0 {
			return nil
		}
		if err := w.run.step(ctx, State{}, steps[0], w.run.steps+len(steps)); err != nil {
			return err
		}
	}
	return errors.New("what an interrupted run has left does not go away")
}

// commit makes the new VM the world from now on, and then does with the old one what was asked for.
func (w *replacement) commit(ctx context.Context) error {
	keep := newStep(StepReplaceKeep, "`worldsetup restore` restores it")
	if w.resumed && !w.removeOld {
		keep.Reason = fmt.Sprintf("this run was not given --replace=%s; `worldsetup restore` restores it",
			w.run.target.spec.VM)
	}
	if !w.removeOld {
		return w.run.step(ctx, State{}, keep, w.run.steps+1)
	}
	err := w.run.step(ctx, State{}, newStep(StepReplaceRemove, "the new one was verified"), w.run.steps+1)
	if failure := AsError(err); failure != nil {
		failure.Why = strings.TrimSpace(failure.Why +
			"\nthe new world is ready; what is left of the old VM is no part of it")
		return failure
	}
	return nil
}

// recoverySteps returns the steps of a recovery.
func recoverySteps(actions []vmswap.Action) (steps []Step) {
	for _, action := range actions {
		steps = append(steps, newStep(StepID(action.ID), action.Reason))
	}
	return steps
}

// createBeside makes the new VM under a name of its own: it fetches and checks the image and makes the disk, and so
// shows most of what can go wrong while the old VM still runs. How the old one answers is found out before.
func (w *replacement) createBeside(ctx context.Context, state State, _ Step, line func(string)) error {
	w.underway, w.removeOld = true, !w.run.target.spec.KeepOld
	w.recordBefore(ctx, state)
	w.run.target.inheritNetfilter(state.Guest)
	profile, err := w.run.target.newProfile()
	if err != nil {
		return err
	}
	return w.run.place.Create(ctx, profile, w.before, line)
}

// recordBefore records how the VM is that is going to be replaced. One that a killed run has stopped ran before that.
func (w *replacement) recordBefore(ctx context.Context, state State) {
	before := vmswap.Record{Ran: state.Instance.Status != limatype.StatusStopped}
	if state.Guest != nil {
		for _, access := range w.run.verifier().verify(ctx, state.Instance).access {
			if access.Outcome == OK {
				before.Answered = append(before.Answered, access.ID)
			}
		}
	}
	w.before = before
	if w.earlier.Ran && !before.Ran {
		w.before, w.stopped = w.earlier, true
	}
}

// stopOld stops the VM that is going to be replaced, by force if it does not stop in good order.
func (w *replacement) stopOld(ctx context.Context, _ State, _ Step, line func(string)) error {
	w.stopped = true
	return w.run.place.Stop(ctx, "", line)
}

// forReplacement lists how another VM replaces this one, with consent. All that can fail
// without the old VM being touched comes first: the new one is created beside it.
func (p *Plan) forReplacement(t target, s State) {
	if p.Blocked = refusal(t.spec, s); p.Blocked != nil {
		return
	}
	if t.agent == nil {
		p.Blocked = noAgent(t.spec.Project, t.rejected)
		return
	}
	p.Replace = replaceReasons(t, s)
	p.Steps = []Step{newStep(StepReplaceCreate, p.Replace...)}
	if s.Instance.Status != limatype.StatusStopped {
		p.Steps = append(p.Steps, newStep(StepReplaceStop, "another VM takes its place"))
	}
	p.Steps = append(p.Steps, newStep(StepReplaceBackup, "it stays whole until the new one was verified"),
		newStep(StepReplacePlace, "the old one has made way"))
	var fresh Plan
	fresh.forNew(t)
	p.Steps = append(p.Steps, fresh.Steps[1:]...) // without its creation
	if t.spec.KeepOld {
		p.Steps = append(p.Steps, newStep(StepReplaceKeep, "requested; `worldsetup restore` restores it"))
	} else {
		p.Steps = append(p.Steps, newStep(StepReplaceRemove, "the new one was verified by then"))
	}
}

// replaceReasons are why the VM is replaced: what only a replacement repairs, else what is not repaired yet, else the
// request.
func replaceReasons(t target, s State) []string {
	t.spec.Replace = ""
	switch plan := makePlan(t, s); {
	case len(plan.Replace) > 0:
		return plan.Replace
	case plan.Blocked != nil:
		return []string{plan.Blocked.What}
	case plan.Empty():
		return []string{"nothing is wrong with it; a fresh one was asked for"}
	}
	return []string{"requested"}
}

// refusal returns why the VM is not replaced or deleted even with consent, and how to change that; nil when it may be.
func refusal(spec Spec, s State) *Error {
	name := shellescape.Quote(spec.VM)
	switch {
	case s.Instance == nil:
		return nil
	case s.Instance.Protected:
		return protected(spec.VM)
	case !ours(s):
		return &Error{
			Kind: KindUsage, What: fmt.Sprintf("the VM %s is not a world", spec.VM),
			Why: "its configuration has neither the socket's forward nor the boot script of one, and no layout was " +
				"seen in it",
			Next: fmt.Sprintf("give it another name: limactl stop %s && limactl rename %s mine, or use another one "+
				"yourself: --vm NAME", name, name),
		}
	case s.Swap.Kept() && spec.Replace != "":
		return &Error{
			Kind: KindUsage, What: fmt.Sprintf("an old VM is kept already, under the name %s", spec.VM+vmswap.Backup),
			Why: "there is room for one",
			Next: fmt.Sprintf("restore it (worldsetup restore), or, if nothing in it is needed: limactl delete %s; "+
				"then run this again", shellescape.Quote(spec.VM+vmswap.Backup)),
		}
	}
	return nil
}

func protected(vm string) *Error {
	return &Error{
		Kind: KindUsage, What: fmt.Sprintf("the VM %s is protected", vm),
		Why:  "`limactl protect` keeps it from being deleted",
		Next: "limactl unprotect " + shellescape.Quote(vm) + ", then run this again",
	}
}

// ours reports whether a VM is a world, or was meant to be one. What Lima cannot read is judged by the text of its
// configuration.
func ours(s State) bool {
	if s.Swap.Unverified || s.Guest != nil && s.Guest.Marker != "" {
		return true
	}
	if s.Instance.Config != nil {
		return lima.IsWorld(s.Instance.Config)
	}
	text, err := os.ReadFile(filepath.Join(s.Instance.Dir, filenames.LimaYAML))
	return err == nil && bytes.Contains(text, []byte(guest.SocketPath))
}

// inheritNetfilter has the new world filter network traffic if the old one did and nothing else was requested.
func (t *target) inheritNetfilter(o *guest.Observation) {
	if t.spec.Netfilter != Unset || o == nil {
		return
	}
	with, err := embed.ServiceUnit(o.Home, true)
	if err == nil && o.Files[guest.ServicePath].SHA256 == sum([]byte(with)) {
		t.spec.Netfilter = On
	}
}

// rollBack rolls back the replacement that ended in err: the incomplete VM goes, and the old one is what it was before.
// It is done also when err is an interruption.
func (w *replacement) rollBack(ctx context.Context, err error) error {
	failure := AsError(err)
	rollback, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), rollbackDeadline,
		errors.New("no end within "+rollbackDeadline.String()))
	defer cancel()
	report, rollbackErr := w.rollBackSwap(rollback)
	if rollbackErr != nil {
		failure.Why = strings.TrimSpace(fmt.Sprintf("%s\nundoing it failed as well: %v; nothing of the old VM was "+
			"removed, and a rerun goes on with that", failure.Why, rollbackErr))
		failure.Next = "run worldsetup again, which first brings the old VM back; the log is " +
			LogPath(w.run.target.spec)
		return failure
	}
	failure.Why = strings.TrimSpace(failure.Why + "\n" + report)
	if failure.Kind != KindInterrupted {
		failure.Next = strings.Replace(failure.Next, "run worldsetup again: it carries on from here",
			"fix that, then try the replacement again", 1)
	} else {
		failure.Next = "run it again, with the consent, if it is still wanted"
	}
	return failure
}

// rollBackSwap brings the old VM back, and reports what it did.
func (w *replacement) rollBackSwap(ctx context.Context) (report string, err error) {
	swap := w.run.place.Observe()
	touched := w.stopped || swap.Backup || swap.Displaced || !swap.VM
	if swap.Pending() {
		displace := newStep(StepRollbackDisplace, "it was not verified")
		if err := w.run.step(ctx, State{}, displace, w.run.steps+3); err != nil {
			return "", err
		}
	}
	if err := w.recover(ctx); err != nil {
		return "", err
	}
	switch {
	case !touched:
		return "the old VM was not touched", nil
	case !w.before.Ran:
		return "the old VM is restored; it is stopped, as before", nil
	}
	return w.restart(ctx)
}

// restart starts the old VM and verifies that it answers as before.
func (w *replacement) restart(ctx context.Context) (report string, err error) {
	if err := w.run.step(ctx, State{}, newStep(StepRollbackStart, "it ran before"), w.run.steps+2); err != nil {
		return "", err
	}
	if len(w.before.Answered) == 0 {
		return "the old VM is restored and runs; its agent did not answer before either", nil
	}
	verify := newStep(StepRollbackVerify, "it has to be as it was")
	if err := w.run.step(ctx, State{}, verify, w.run.steps+1); err != nil {
		return "", err
	}
	return "the old VM is restored, runs, and answers as before", nil
}

// answers connects to the VM, and reports who is not met as in before any more. Who was not answered then, by a VM that
// was damaged, need not be now.
func (w *replacement) answers(ctx context.Context, instance *limatype.Instance, before vmswap.Record) error {
	var errs []error
	for _, access := range w.run.verifier().verify(ctx, instance).access {
		if access.Outcome != OK && before.Had(access.ID) {
			errs = append(errs, fmt.Errorf("access as %s: %s, expected %q", access.ID, access.Found, access.Want))
		}
	}
	return errors.Join(errs...)
}

// ensureRunning starts the VM if it does not run.
func (w *replacement) ensureRunning(ctx context.Context, _ State, _ Step, line func(string)) error {
	instance, err := w.run.vm.find(ctx)
	if err != nil {
		return err
	}
	if instance == nil {
		return fmt.Errorf("there is no VM called %s", w.run.target.spec.VM)
	}
	if instance.Status == limatype.StatusRunning {
		return nil
	}
	if instance.Status != limatype.StatusStopped {
		if err := w.run.lima.Stop(ctx, instance.Name, true, line); err != nil {
			return err
		}
	}
	return w.run.lima.Start(ctx, instance.Name, line)
}

// verifyOld connects to a VM that was restored.
func (w *replacement) verifyOld(ctx context.Context, _ State, _ Step, _ func(string)) error {
	instance, err := w.run.vm.find(ctx)
	if err != nil {
		return err
	}
	if instance == nil {
		return fmt.Errorf("there is no VM called %s", w.run.target.spec.VM)
	}
	return w.answers(ctx, instance, w.before)
}

// verifyKept wants the restored VM to answer the user and root. What else is wrong with an old world
// is for a repair.
func (w *replacement) verifyKept(ctx context.Context, _ State, _ Step, _ func(string)) error {
	instance, err := w.run.vm.find(ctx)
	if err != nil {
		return err
	}
	if instance == nil {
		return fmt.Errorf("there is no VM called %s", w.run.target.spec.VM)
	}
	return w.answers(ctx, instance, vmswap.Record{Answered: []string{WhoUser, WhoRoot}})
}

// planWhole plans what is done about a VM as a whole. What another run is at work on is incomplete.
func (s *Setup) planWhole(ctx context.Context, plan func(*replacement, context.Context) (Plan, error)) (Plan, error) {
	r, err := s.begin()
	if err != nil {
		return Plan{}, r.finish(err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.target.spec.Timeout, errTimeout)
	defer cancel()
	r.swap.ignoreChoices()
	planned, err := plan(r.swap, ctx)
	if info := underWay(r.target.spec); info != nil && err == nil {
		return Plan{}, r.finish(busy(r.target.spec, info))
	}
	return planned, r.finish(err)
}

// ignoreChoices forgets what was chosen for a VM, which is about another one: what is observed from here on is what is
// there. It returns the consent, which is forgotten as well.
func (w *replacement) ignoreChoices() (consent string) {
	spec := w.run.target.spec
	w.run.target.spec = Spec{
		VM: spec.VM, LimaHome: spec.LimaHome, StateDir: spec.StateDir, KeepOld: spec.KeepOld,
		Wait: spec.Wait, Timeout: spec.Timeout,
	}
	return spec.Replace
}

// approve emits the plan of a restoration or removal and asks the caller to agree to it. missing is the error of a
// consent by name that was not given; nil for none.
func (w *replacement) approve(ctx context.Context, plan Plan, missing error) error {
	w.run.events.emit(Event{Type: EventPlan, Plan: &plan})
	if missing != nil {
		return missing
	}
	return w.run.consent(ctx, plan)
}

// carryOut carries out the steps of a plan, until one fails.
func (w *replacement) carryOut(ctx context.Context, state State, plan Plan) error {
	for i, step := range plan.Steps {
		if err := w.run.step(ctx, state, step, w.run.steps+len(plan.Steps)-i); err != nil {
			return err
		}
	}
	return nil
}
