package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/docker/go-units"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
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

// some names the first of some files.
func some(files []string) string {
	text := fmt.Sprintf("%q", files[:min(len(files), namedFiles)])
	text = strings.Trim(text, "[]")
	if more := len(files) - namedFiles; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
