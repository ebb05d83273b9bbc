package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
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
	// listDeadline bounds a list of the copy. One of 100,000 files takes seconds.
	listDeadline = 2 * time.Minute
	// stageSilence is how long nothing may be sent, and how long the end may take: the guest writes everything to its
	// disk.
	stageSilence = 10 * time.Minute
	// namedFiles is how many files a message names.
	namedFiles = 5
)

// Staged is the copy of the project in a guest that mounts nothing, compared with the project.
type Staged struct {
	Delta *staging.Delta
	Of    string   // the project that it is a copy of, by its manifest; empty when that does not say
	Skips []string // what of the project is not copied: sockets, pipes and devices
	Err   error    // why it could not be compared; the rest is not valid then
}

// compareStaged compares the project with its copy, in a guest that was observed and may be reached by root.
func (o *observer) compareStaged(ctx context.Context, instance *limatype.Instance, t target, seen *guest.Observation,
	via guest.Route) *Staged {
	if t.layout.Mounts() || !seen.Sudo || t.noProject != nil {
		return nil
	}
	if err := t.holdsLima(); err != nil { // the layout is that of the guest
		return &Staged{Err: err}
	}
	listed := make(chan struct{})
	var tree *staging.Tree
	var walkErr error
	go func() {
		defer close(listed)
		defer crash.Catch()
		tree, walkErr = staging.Walk(ctx, t.spec.Project)
	}()
	var had *staging.Copy
	var err error
	if _, there := seen.Files[seen.Layout.Staging]; there {
		listing, cancel := context.WithTimeoutCause(ctx, listDeadline, guest.Late(listDeadline))
		had, err = o.guest(instance, t.layout).Staged(listing, via, seen.User)
		cancel()
	}
	<-listed
	if err := errors.Join(walkErr, err); err != nil {
		return &Staged{Err: err}
	}
	staged := &Staged{Delta: staging.Compare(tree, had), Skips: tree.Skipped}
	if had != nil {
		staged.Of = staging.ParseManifest(had.Manifest).Project
	}
	return staged
}

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
		Next: fmt.Sprintf("let yourself read all of %s, then run worldsetup again", t.spec.Project),
	}
}

// unstaged returns what of the copy is left to a person.
func unstaged(t target, s State) (all []Unrepaired) {
	if other := otherStaged(t, s); other != "" && s.Guest != nil {
		all = append(all, Unrepaired{itemStaged, "the copy in the guest is of " + other + ", and no project was named",
			"name the project that it is to have: worldsetup PROJECT"})
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
	listing, cancel := context.WithTimeoutCause(ctx, listDeadline, guest.Late(listDeadline))
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
		failure.Next = "make room in the guest, or grow its disk: worldsetup --disk SIZE; the copy that was there is as it " +
			"was"
	}
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

func (r *run) stage(ctx context.Context) (Plan, error) {
	instance, err := r.resolve(ctx)
	if err != nil {
		return Plan{}, err
	}
	now := r.assess(ctx, instance, verify.Never)
	if ctx.Err() != nil {
		return Plan{}, interrupted(ctx)
	}
	state, of := now.state, r.target.layout
	if refused := notSwitched(r.target.spec, state); refused != nil {
		return Plan{}, refused
	}
	vm := r.target.spec.VM
	switch {
	case instance.Status != limatype.StatusRunning:
		return Plan{}, &Error{Kind: KindUnhealthy, What: fmt.Sprintf("the VM %s does not run", vm),
			Next: vmCommand("worldsetup start", vm) + ", or " + vmCommand("worldsetup", vm) + ", which also repairs it"}
	case state.Guest == nil || len(faults.Closed(state.Guest)) > 0 || !state.Guest.Sudo:
		return Plan{}, &Error{Kind: KindUnhealthy, What: fmt.Sprintf("the guest of the VM %s can't be changed", vm),
			Why:  "it was not observed, or sudo does not work in it",
			Next: "run " + vmCommand("worldsetup", vm) + ", which repairs it or says what to do"}
	case of.Mounts():
		return Plan{}, &Error{Kind: KindUsage, What: "there is nothing to copy: the world has the project mounted",
			Why: fmt.Sprintf("the generation of its layout is %s", of.Name),
			Next: "use it at " + of.Project() + "; a world of another generation has a copy: " +
				"worldsetup --layout " + layout.Staged()[0].Name}
	case state.Guest.Group == nil:
		return Plan{}, &Error{Kind: KindUnhealthy, What: "the guest lacks the group that the copy is for",
			Next: "run " + vmCommand("worldsetup", vm) + ", which repairs that"}
	}
	if left := unstaged(r.target, state); len(left) > 0 {
		return Plan{}, &Error{Kind: KindUsage, What: left[0].Why, Next: "worldsetup stage PROJECT"}
	}
	plan := Plan{VM: vm, Steps: []Step{}, Existing: existing(state)}
	if planStage(&plan, r.target, state); plan.Blocked != nil {
		return plan, plan.Blocked
	}
	r.times.estimate(&plan)
	plan = r.list.planned(plan, false)
	for _, step := range slices.Clone(plan.Steps) {
		if err := r.performStep(ctx, state, step); err != nil {
			return plan, err
		}
	}
	return plan, nil
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
