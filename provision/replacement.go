package provision

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// rollbackDeadline bounds the rollback of a replacement, which has to start a VM.
const rollbackDeadline = 12 * time.Minute

// replacement replaces, restores and removes whole VMs: it makes the moves of [vmswap] in their order, and rolls back
// after a failure.
type replacement struct {
	run       *run
	underway  bool          // from the first change to the end
	before    vmswap.Record // how the old VM was
	earlier   vmswap.Record // how a killed run found the VM that it was about to replace
	stopped   bool          // it ran, and was stopped for this
	resumed   bool          // it was started by a run that was killed
	removeOld bool          // the old VM is to be removed in the end
}

// transact recovers from a killed run, and then makes the world what the Spec asks for. If that replaces the VM, the
// old one is removed after the new one was verified; if it fails, the old one gets its name back.
func (w *replacement) transact(ctx context.Context) (Health, error) {
	if err := w.approveRecovery(ctx); err != nil {
		return Health{}, err
	}
	if err := w.recover(ctx); err != nil {
		return Health{}, err
	}
	if w.run.place.Observe().Pending() {
		w.resume()
		w.run.target.spec.Replace = "" // the replacement is already in progress
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

// resume continues a replacement that a killed run left unfinished.
func (w *replacement) resume() {
	before, _ := w.run.place.ReadRecord()
	w.underway, w.before, w.stopped, w.resumed = true, before, before.Ran, true
	w.removeOld = w.run.target.spec.Replace != "" && !w.run.target.spec.KeepOld
}

// nothingTried reports whether a run failed before it could observe whether the VM works.
func nothingTried(err error) bool {
	switch AsError(err).Kind {
	case KindUsage, KindPrerequisite, KindInterrupted:
		return true
	}
	return false
}

// approveRecovery plans what completes or rolls back what a killed run left, and asks the caller before it. Beside a
// foreign VM it refuses to.
func (w *replacement) approveRecovery(ctx context.Context) error {
	swap := w.run.place.Observe()
	plan := Plan{VM: w.run.target.spec.VM, Steps: recoverySteps(swap.Recovery()), Unseen: true}
	mayBeForeign := swap.VM && !swap.Ours // then the plan is blocked
	asks := w.run.consent.approve != nil || mayBeForeign
	if len(plan.Steps) == 0 {
		return nil
	}
	if asks {
		instance, err := w.run.vm.Find(ctx)
		if err != nil {
			return limaError(ctx, cannotList, err)
		}
		plan = w.run.assess(ctx, instance, verify.Never).plan
	}
	w.run.times.estimate(&plan)
	plan = w.run.list.planned(plan, false)
	switch {
	case plan.Blocked != nil:
		return plan.Blocked
	case !asks:
		return nil
	}
	return w.run.consent.askCaller(ctx, plan)
}

// recover completes or rolls back what a killed run left unfinished, step by step.
func (w *replacement) recover(ctx context.Context) error {
	if before, found := w.run.place.ReadRecord(); found {
		w.earlier = before
	}
	for range 10 { // far more than there are states
		steps := recoverySteps(w.run.place.Observe().Recovery())
		if len(steps) == 0 {
			return nil
		}
		if err := w.run.performStep(ctx, State{}, steps[0]); err != nil {
			return err
		}
	}
	return errors.New("what an interrupted run left behind can't be cleaned up")
}

// commit makes the new VM the world from now on, and then removes or keeps the old one.
func (w *replacement) commit(ctx context.Context) error {
	vm := w.run.target.spec.VM
	keep := newStep(StepReplaceKeep, "`"+vmCommand("worldsetup restore", vm)+"` restores it")
	if w.resumed && !w.removeOld {
		keep.Reason = fmt.Sprintf("this run was not given --replace=%s; %s", vm, keep.Reason)
	}
	if !w.removeOld {
		return w.run.performStep(ctx, State{}, keep)
	}
	err := w.run.performStep(ctx, State{}, newStep(StepReplaceRemove, "the new one was verified"))
	if failure := AsError(err); failure != nil {
		failure.Why = strings.TrimSpace(failure.Why +
			"\nthe new world is ready; what is left of the old VM is no part of it")
		return failure
	}
	return nil
}

// createBeside creates the new VM under a name of its own. That downloads and checks the image and creates the disk, so
// most failures happen while the old VM is still running. Before that, it records how the old one answers.
func (w *replacement) createBeside(ctx context.Context, state State, _ Step, line func(string)) error {
	w.underway, w.removeOld = true, !w.run.target.spec.KeepOld
	w.recordBefore(ctx, state)
	w.run.target.inheritNetfilter(state.Guest)
	profile, err := w.run.target.newProfile()
	if err != nil {
		return err
	}
	return w.run.place.Create(ctx, lima.Stamp(profile, rand.Text()), w.before, w.run.target.protects(), line)
}

// recordBefore records the state of the VM that is going to be replaced. If a killed run stopped it, it was running.
func (w *replacement) recordBefore(ctx context.Context, state State) {
	before := vmswap.Record{Ran: state.Instance.Status != limatype.StatusStopped}
	if state.Guest != nil {
		for _, access := range newVerifier(w.run.target, w.run.edges).Verify(ctx, state.Instance).Access {
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

// stopOld stops the VM that is going to be replaced, by force if it does not shut down.
func (w *replacement) stopOld(ctx context.Context, _ State, _ Step, line func(string)) error {
	w.stopped = true
	return w.run.place.Stop(ctx, "", line)
}

// rollBack rolls back the replacement that ended in err, also after an interruption: it removes the incomplete VM and
// restores the old one to its previous state.
func (w *replacement) rollBack(ctx context.Context, err error) error {
	failure := AsError(err)
	rollback, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), rollbackDeadline, overdue(rollbackDeadline))
	defer cancel()
	outcome, rollbackErr := w.rollBackSwap(rollback)
	if rollbackErr != nil {
		failure.Why = strings.TrimSpace(fmt.Sprintf("%s\nthe rollback failed as well: %v; nothing of the old VM was "+
			"removed, and the next run continues the rollback", failure.Why, rollbackErr))
		failure.Next = "run worldsetup again, which first restores the old VM; the log is " +
			LogPath(w.run.target.spec)
		return failure
	}
	failure.Why = strings.TrimSpace(failure.Why + "\n" + outcome)
	if failure.Kind != KindInterrupted {
		failure.Next = strings.Replace(failure.Next, carriesOn, "fix that, then try the replacement again", 1)
	} else {
		failure.Next = "if you still want it, run the same command again, with the consent"
	}
	return failure
}

// rollBackSwap restores the old VM, and describes the result.
func (w *replacement) rollBackSwap(ctx context.Context) (outcome string, err error) {
	swap := w.run.place.Observe()
	touched := w.stopped || swap.Backup || swap.Displaced || !swap.VM
	if swap.Pending() {
		displace := newStep(StepRollbackDisplace, "it was not verified")
		if err := w.run.performStep(ctx, State{}, displace); err != nil {
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
func (w *replacement) restart(ctx context.Context) (outcome string, err error) {
	if err := w.run.performStep(ctx, State{}, newStep(StepRollbackStart, "it ran before")); err != nil {
		return "", err
	}
	if len(w.before.Answered) == 0 {
		return "the old VM is restored and runs; its agent did not answer before either", nil
	}
	check := newStep(StepRollbackVerify, "it has to answer as before")
	if err := w.run.performStep(ctx, State{}, check); err != nil {
		return "", err
	}
	return "the old VM is restored, runs, and answers as before", nil
}

// answers connects to the VM, and returns an error for everyone whose access is no longer as in before. Users whom a
// damaged VM did not answer then need not be answered now.
func (w *replacement) answers(ctx context.Context, instance *limatype.Instance, before vmswap.Record) error {
	var errs []error
	for _, access := range newVerifier(w.run.target, w.run.edges).Verify(ctx, instance).Access {
		if access.Outcome != OK && before.Had(access.ID) {
			errs = append(errs, fmt.Errorf("access as %s: %s, expected %q", access.ID, access.Found, access.Want))
		}
	}
	return errors.Join(errs...)
}

// present finds the VM, which has to be there.
func (w *replacement) present(ctx context.Context) (*limatype.Instance, error) {
	instance, err := w.run.vm.Find(ctx)
	if err == nil && instance == nil {
		err = fmt.Errorf("there is no VM called %s", w.run.target.spec.VM)
	}
	return instance, err
}

// ensureRunning starts the VM if it is not running.
func (w *replacement) ensureRunning(ctx context.Context, _ State, _ Step, line func(string)) error {
	instance, err := w.present(ctx)
	if err != nil {
		return err
	}
	if instance.Status == limatype.StatusRunning {
		return nil
	}
	if instance.Status != limatype.StatusStopped {
		if err := w.run.place.Lima.Stop(ctx, instance.Name, true, line); err != nil {
			return err
		}
	}
	return w.run.vm.Launch(ctx, line)
}

// verifyOld connects to a VM that was restored.
func (w *replacement) verifyOld(ctx context.Context, _ State, _ Step, _ func(string)) error {
	instance, err := w.present(ctx)
	if err != nil {
		return err
	}
	return w.answers(ctx, instance, w.before)
}

// verifyKept checks that the restored VM answers the user and root. Other faults of an old world are left to a repair.
func (w *replacement) verifyKept(ctx context.Context, _ State, _ Step, _ func(string)) error {
	instance, err := w.present(ctx)
	if err != nil {
		return err
	}
	return w.answers(ctx, instance, vmswap.Record{Answered: []string{WhoUser, WhoRoot}})
}

// ignoreChoices clears the choices in the Spec, which are about the other VM, so that only the present state counts,
// and the consents.
func (w *replacement) ignoreChoices() {
	spec := w.run.target.spec
	w.run.target.spec = Spec{
		VM: spec.VM, LimaHome: spec.LimaHome, StateDir: spec.StateDir, KeepOld: spec.KeepOld,
		Wait: spec.Wait, Timeout: spec.Timeout, Allow: DisruptionForce,
	}
}

// askConsent emits the plan of a restoration or removal and asks the caller to agree to it. missing is the error if
// consent by name was not given; nil otherwise.
func (w *replacement) askConsent(ctx context.Context, plan Plan, missing error) error {
	w.run.times.estimate(&plan)
	plan = w.run.list.planned(plan, false)
	if missing != nil {
		return missing
	}
	return w.run.consent.askCaller(ctx, plan)
}

func (w *replacement) remove(ctx context.Context) error {
	consent := w.run.target.spec.Remove
	plan, err := w.planRemove(ctx)
	if err != nil {
		return err
	}
	var missing error
	if len(plan.Steps) > 0 && consent == "" {
		missing = needsConsent(plan, "remove", "--remove")
	}
	if err := w.askConsent(ctx, plan, missing); err != nil {
		return err
	}
	if err := carryOut(w.run, ctx, State{}, plan); err != nil {
		return err
	}
	return w.forget()
}

// planRemove plans to delete all of it, or returns why that is refused.
func (w *replacement) planRemove(ctx context.Context) (Plan, error) {
	w.ignoreChoices()
	swap := w.run.place.Observe()
	var instance *limatype.Instance
	if swap.VM && w.run.place.HasConfig("") {
		var err error
		if instance, err = w.run.vm.FindOnly(ctx); err != nil {
			return Plan{}, limaError(ctx, cannotList, err)
		}
	}
	state := w.run.observer.stateOf(instance, swap)
	if refused := mayNotReplace(w.run.target.spec, state); refused != nil {
		return Plan{}, refused
	}
	for _, suffix := range []string{vmswap.Staged, vmswap.Backup, vmswap.Displaced} {
		if protector(w.run.place, suffix) == protectedByOthers {
			return Plan{}, protected(w.run.target.spec.VM + suffix)
		}
	}
	plan := removePlan(w.run.target.spec, state.Swap)
	if plan.Existing = existing(state); plan.Existing != nil && state.Swap.Backup {
		plan.Existing.Kept = w.run.target.spec.VM + vmswap.Backup
	}
	return plan, nil
}

// removePlan removes the VM last: as long as it is there, it is the world.
func removePlan(spec Spec, swap vmswap.State) Plan {
	plan := Plan{VM: spec.VM, Steps: []Step{}}
	if swap.Empty {
		plan.Steps = append(plan.Steps, newStep(StepRollbackEmpty, "requested"))
	}
	if swap.Staged {
		plan.Steps = append(plan.Steps, newStep(StepRollbackRemove, "an interrupted run left it"))
	}
	if swap.Backup {
		plan.Steps = append(plan.Steps, newStep(StepRemoveKept, "requested"))
	}
	if swap.Displaced {
		plan.Steps = append(plan.Steps, newStep(StepRemoveVM, "requested; an interrupted run displaced it"))
	}
	if swap.VM {
		plan.Steps = append(plan.Steps, newStep(StepRemoveVM, "requested"))
	}
	return plan
}

// forget removes the logs of the VM; the lock goes with them, while it is held.
func (w *replacement) forget() error {
	spec := w.run.target.spec
	files := []string{LogPath(spec), LogPath(spec) + ".old", seenPath(spec)}
	for _, path := range append(files, lockOf(spec).Files()...) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (w *replacement) restore(ctx context.Context) error {
	consent := w.run.target.spec.Restore
	w.ignoreChoices()
	_, plan, err := w.planRestore(ctx)
	if err != nil {
		return err
	}
	var missing error
	if (plan.has(StepRestorePlace) || plan.has(StepRollbackDisplace)) && consent == "" {
		missing = needsConsent(plan, "restore", "--replace")
	}
	if err := w.askConsent(ctx, plan, missing); err != nil {
		return err
	}
	if w.run.place.Observe().Pending() { // the other one was never verified
		w.resume()
		_, err := w.rollBackSwap(ctx)
		return err
	}
	return w.finishRestore(ctx)
}

// finishRestore carries out the plan, after the recovery from a killed run.
func (w *replacement) finishRestore(ctx context.Context) error {
	if err := w.recover(ctx); err != nil {
		return err
	}
	if w.run.steps > 0 && !w.run.place.Observe().Backup { // it was restored already
		return w.run.performStep(ctx, State{}, startKept())
	}
	instance, plan, err := w.planRestore(ctx) // for the rest
	if err != nil {
		return err
	}
	return w.carryOutRestore(ctx, instance, plan)
}

// carryOutRestore carries out the plan of a restoration, or rolls it back.
func (w *replacement) carryOutRestore(ctx context.Context, instance *limatype.Instance, plan Plan) error {
	w.underway = true
	state := w.run.observer.observe(ctx, instance, w.run.target, w.run.done, nil)
	w.recordBefore(ctx, state)
	if err := carryOut(w.run, ctx, state, plan); err != nil {
		if swap := w.run.place.Observe(); swap.Displaced || !swap.Staged {
			return w.rollBack(ctx, err)
		}
		return err // only the removal failed; the next run continues it
	}
	w.underway = false
	return nil
}

// planRestore plans to restore the kept VM, or returns why that is refused.
func (w *replacement) planRestore(ctx context.Context) (*limatype.Instance, Plan, error) {
	w.ignoreChoices()
	swap := w.run.place.Observe()
	instance, err := w.run.resolve(ctx)
	switch {
	case err != nil:
		return nil, Plan{}, err
	case swap.Pending():
		plan := w.rollbackPlan(swap)
		plan.Existing = existing(w.run.observer.stateOf(instance, swap))
		return instance, plan, nil
	}
	actions, after := swap.Recovered()
	steps := recoverySteps(actions)
	if after.VM && after.Backup && after.Displaced {
		return nil, Plan{}, restoredTwice(w.run.target.spec.VM)
	}
	if !after.Backup {
		if len(steps) == 0 {
			return nil, Plan{}, noneKept(w.run.target.spec)
		}
		return instance, Plan{VM: w.run.target.spec.VM, Steps: append(steps, startKept())}, nil
	}
	if swap.Backup && !w.run.place.HasConfig(vmswap.Backup) {
		return nil, Plan{}, &Error{
			Kind: KindUsage, What: fmt.Sprintf("the kept VM %s can't be restored", w.run.target.spec.VM+vmswap.Backup),
			Why:  "it has no " + filenames.LimaYAML,
			Next: "inspect " + w.run.place.Dir(vmswap.Backup) + ", and if nothing in it is needed, remove it",
		}
	}
	if refused := mayNotReplace(w.run.target.spec, w.run.observer.stateOf(instance, swap)); refused != nil {
		return nil, Plan{}, refused
	}
	if swap.Displaced && !swap.Kept() { // it is the other one, which is stopped
		instance = nil
	}
	plan := restorePlan(w.run.target.spec, instance)
	plan.Steps = append(steps, plan.Steps...)
	if plan.Existing = existing(w.run.observer.stateOf(instance, swap)); plan.Existing != nil {
		plan.Existing.Kept = w.run.target.spec.VM + vmswap.Backup
	}
	return instance, plan, nil
}

// restoredTwice is the error of a name that a restoration needs, and that has a VM of an earlier one.
func restoredTwice(vm string) *Error {
	left := shellescape.Quote(vm + vmswap.Displaced)
	return &Error{
		Kind: KindUsage, What: vm + vmswap.Displaced + " is in the way",
		Why: "it was left by an earlier restoration, and its name is needed for the VM " + vm,
		Next: fmt.Sprintf("if nothing in it is needed: limactl unprotect %[1]s; limactl stop %[1]s; limactl delete %[1]s; "+
			"then run this again", left),
	}
}

func noneKept(spec Spec) *Error {
	return &Error{
		Kind: KindUsage, What: fmt.Sprintf("no old VM is kept for %s", spec.VM),
		Why:  fmt.Sprintf("there is none called %s", spec.VM+vmswap.Backup),
		Next: "see `limactl list`; --keep-old keeps the old VM when it is replaced",
	}
}

func startKept() Step { return newStep(StepRestoreStart, "it was stopped when it was replaced") }

// rollbackPlan is the plan to roll back an unfinished replacement.
func (w *replacement) rollbackPlan(swap vmswap.State) Plan {
	displace := newStep(StepRollbackDisplace, "it was not verified")
	actions, _ := swap.After(vmswap.RollbackDisplace).Recovered()
	plan := Plan{VM: w.run.target.spec.VM, Steps: append([]Step{displace}, recoverySteps(actions)...)}
	before, _ := w.run.place.ReadRecord()
	if before.Ran {
		plan.Steps = append(plan.Steps, newStep(StepRollbackStart, "it ran before"))
		if len(before.Answered) > 0 {
			plan.Steps = append(plan.Steps, newStep(StepRollbackVerify, "it has to answer as before"))
		}
	}
	return plan
}

// restorePlan is the plan to restore the kept VM in the place of the other one, which is nil if it is known to be
// stopped.
func restorePlan(spec Spec, instance *limatype.Instance) Plan {
	plan := Plan{VM: spec.VM, Steps: []Step{}}
	if instance != nil && instance.Status != limatype.StatusStopped {
		plan.Steps = append(plan.Steps, newStep(StepRestoreStop, "the kept VM takes its place"))
	}
	plan.Steps = append(plan.Steps,
		newStep(StepRestoreDisplace, "it stays intact until the kept one is verified"),
		newStep(StepRestorePlace, "the other one has been renamed"),
		startKept(), newStep(StepRestoreVerify, "it has to answer as a world"))
	if spec.KeepOld {
		plan.Steps = append(plan.Steps, newStep(StepRestoreKeep, "requested"))
	} else {
		plan.Steps = append(plan.Steps, newStep(StepRestoreRemove, "the kept one was verified by then"))
	}
	return plan
}
