package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/staging"
)

// This file copies the project into a guest that mounts nothing, and judges the copy. How it is done is in package
// staging.

const (
	itemStaged = "staged"
	// stageSilence is how long nothing may be sent, and how long the end may take: the guest writes everything to its
	// disk.
	stageSilence = 10 * time.Minute
	// namedFiles is how many files a message names.
	namedFiles = 5
)

// stageReasons returns why the project has to be copied into the guest. Later says that the copy is whole, and that
// only the project has changed since.
func stageReasons(t target, s State) (reasons []string, later bool) {
	o, of := s.Guest, t.layout
	if of.Mounts() || !o.Sudo || otherStaged(t, s) != "" {
		return nil, false
	}
	if _, there := o.Files[of.Current()]; !there {
		return []string{fmt.Sprintf("the project is not in the guest: %s is missing", of.Current())}, false
	}
	for _, wrong := range []string{
		faults.Differs(o, of.Staging, "directory", "750", "root", guest.GroupName),
		faults.Differs(o, of.Current(), "directory", "750", o.User, guest.GroupName),
		faults.Differs(o, of.Manifest(), "regular file", "640", o.User, guest.GroupName),
	} {
		reasons = append(reasons, nonEmpty(wrong)...)
	}
	if s.Staged == nil || s.Staged.Err != nil {
		return reasons, false
	}
	if s.Staged.Of != "" && !lima.SameDirectory(s.Staged.Of, t.spec.Project) {
		reasons = append(reasons, fmt.Sprintf("the copy is of %s, and %s was asked for", s.Staged.Of, t.spec.Project))
	}
	later = len(reasons) == 0 && s.Staged.Delta.Stale()
	if later && s.Tried[StepStage] {
		return nil, false // it changes all the time
	}
	return append(reasons, s.Staged.Delta.Reasons()...), later
}

// otherStaged returns the project that the guest has a copy of if it is another one, and none was named; else it is
// empty.
func otherStaged(t target, s State) string {
	if t.named || s.Staged == nil || s.Staged.Of == "" || lima.SameDirectory(s.Staged.Of, t.spec.Project) {
		return ""
	}
	return s.Staged.Of
}

func planStage(p *Plan, t target, s State) {
	reasons, later := stageReasons(t, s)
	switch {
	case s.Staged != nil && s.Staged.Err != nil && !t.layout.Mounts():
		p.Blocked = cannotStage(t, s.Staged.Err)
	case len(reasons) > 0:
		step := newStep(StepStage, reasons...)
		step.later = later
		p.insert(step)
	}
}

// cannotStage returns the error of a project that can't be compared with its copy.
func cannotStage(t target, err error) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	return &Error{
		Kind: KindProvisioning, What: "the project can't be copied into the guest", Why: err.Error(), Err: err,
		Next: fmt.Sprintf("make all of %s readable for you, then run worldsetup again", t.spec.Project),
	}
}

// unstaged returns what of the copy is left to a person.
func unstaged(t target, s State) (all []Unrepaired) {
	if other := otherStaged(t, s); other != "" && s.Guest != nil {
		all = append(all, Unrepaired{itemStaged, "the copy in the guest is of " + other + ", and no project was named",
			"name the project to copy: worldsetup PROJECT"})
	}
	return all
}

// stageProject copies the project into the guest: what is there is listed again, since this may be long after it was
// observed.
func stageProject(r *run, ctx context.Context, at State, _ Step, line func(string)) error {
	t, in, user := r.target, r.session(at), at.Guest.User
	tree, err := staging.Walk(ctx, t.spec.Project)
	if err != nil {
		return cannotStage(t, err)
	}
	listing, cancel := context.WithTimeoutCause(ctx, staging.ListDeadline, guest.Late(staging.ListDeadline))
	had, err := in.Staged(listing, in.route, user)
	cancel()
	if err != nil {
		return err
	}
	delta := staging.Compare(tree, had)
	if len(tree.Skipped) > 0 {
		line("not copied, since they are sockets, pipes or devices: " + some(tree.Skipped))
	}
	line(fmt.Sprintf("%s in files to be copied", units.BytesSize(float64(delta.Bytes))))

	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	silence := time.AfterFunc(stageSilence, crash.Guard(func() { giveUp(guest.Late(stageSilence)) }))
	defer silence.Stop()
	sending := lifecycle.Transfer{Total: delta.Bytes}
	began := r.edges.Now()
	moved := func(done int64) {
		silence.Reset(stageSilence)
		if since := r.edges.Now().Sub(began); since >= lifecycle.TransferPause {
			began = r.edges.Now()
			sending.Advance(done, since)
			now := sending
			r.vm.Activity.Moved(&now)
		}
	}
	defer r.vm.Activity.Moved(nil)
	var changed []string
	err = in.Stage(ctx, in.route, guest.Staging{
		User: user, Remove: delta.Remove, Prepared: func() { silence.Reset(stageSilence) },
		Write: func(to io.Writer) (err error) {
			changed, err = delta.Write(ctx, to, moved)
			return err
		},
	})
	if err == nil && len(changed) > 0 {
		line("changed while they were read, and out of date in the copy: " + some(changed))
	}
	return err
}

func explainStage(r *run, _ State, failure *Error, err error) {
	script, ok := errors.AsType[*guest.ScriptError](err)
	if !ok {
		return
	}
	failure.What, failure.Why = "the project could not be copied into the guest", strings.TrimSpace(script.Stderr)
	failure.Next = "run worldsetup again; the copy that was there is as it was"
	if strings.Contains(script.Stderr, "No space left on device") {
		failure.Next = "make room in the guest, or grow its disk: " +
			vmCommand("worldsetup --disk SIZE", r.target.spec.VM) + "; the copy that was there is as it was"
	}
}

// stage copies the project into the guest, and does nothing else.
func (r *run) stage(ctx context.Context) (Plan, error) {
	instance, err := r.resolve(ctx)
	if err != nil {
		return Plan{}, err
	}
	now := r.assess(ctx, instance, verify.Never)
	if ctx.Err() != nil {
		return Plan{}, interrupted(ctx)
	}
	if refused := notStaged(r.target, now.state); refused != nil {
		return Plan{}, refused
	}
	plan := Plan{VM: r.target.spec.VM, Steps: []Step{}, Existing: existing(now.state)}
	if planStage(&plan, r.target, now.state); plan.Blocked != nil {
		return plan, plan.Blocked
	}
	r.times.estimate(&plan)
	plan = r.list.planned(plan, false)
	return plan, carryOut(r, ctx, now.state, plan)
}

// notStaged returns why nothing is copied into the guest.
func notStaged(t target, s State) *Error {
	if refused := notSwitched(t.spec, s); refused != nil {
		return refused
	}
	vm, of := t.spec.VM, t.layout
	switch {
	case s.Instance.Status != limatype.StatusRunning:
		return &Error{Kind: KindUnhealthy, What: fmt.Sprintf("the VM %s does not run", vm),
			Next: vmCommand("worldsetup start", vm) + ", or " + vmCommand("worldsetup", vm) + ", which also repairs it"}
	case s.Guest == nil || len(faults.Closed(s.Guest)) > 0 || !s.Guest.Sudo:
		return &Error{Kind: KindUnhealthy, What: fmt.Sprintf("the guest of the VM %s can't be changed", vm),
			Why:  "it was not observed, or sudo does not work in it",
			Next: "run " + vmCommand("worldsetup", vm) + ", which repairs it or says what to do"}
	case of.Mounts():
		return &Error{Kind: KindUsage, What: "there is nothing to copy: the world has the project mounted",
			Why: fmt.Sprintf("the generation of its layout is %s", of.Name),
			Next: "use it at " + of.Project() + "; a world of another generation has a copy: " +
				vmCommand("worldsetup --layout "+layout.Staged()[0].Name, vm)}
	case s.Guest.Group == nil:
		return &Error{Kind: KindUnhealthy, What: "the guest lacks the group that the copy is for",
			Next: "run " + vmCommand("worldsetup", vm) + ", which repairs that"}
	}
	if left := unstaged(t, s); len(left) > 0 {
		return &Error{Kind: KindUsage, What: left[0].Why, Next: vmCommand("worldsetup stage PROJECT", vm)}
	}
	return nil
}

// some names the first of some files.
func some(files []string) string {
	text := fmt.Sprintf("%q", files[:min(len(files), namedFiles)])
	text = strings.Trim(text, "[]")
	if more := len(files) - namedFiles; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
