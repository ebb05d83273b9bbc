package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// createBeside makes the new VM under a name of its own: it fetches and checks the image and makes the disk, and so shows
// most of what can go wrong while the old VM still runs. How the old one answers is found out before.
func (r *run) createBeside(ctx context.Context, state State, _ Step, line func(string)) error {
	r.swap = &swap{remove: !r.target.spec.KeepOld}
	r.notice(ctx, state)
	r.target.inheritNetfilter(state.Guest)
	profile, err := r.target.newProfile()
	if err != nil {
		return err
	}
	if err := r.lima.Create(ctx, r.target.spec.VM+spareSuffix, profile, line); err != nil {
		return err
	}
	return r.edges.Folders.Mark(filepath.Join(r.dir(spareSuffix), unprovenMark), r.swap.before.text())
}

// notice takes down how the VM is that is going to be put aside. One that a killed run has stopped ran before that.
func (r *run) notice(ctx context.Context, state State) {
	var access []Access
	if state.Guest != nil {
		access = r.prove(ctx, state.Instance).access
	}
	r.swap.before = noteOf(state.Instance.Status != limatype.StatusStopped, access)
	if r.before.Ran && !r.swap.before.Ran {
		r.swap.before, r.swap.stopped = r.before, true
	}
}

// stopOld stops the VM that is going to be put aside; one that does not heed that loses its power.
func (r *run) stopOld(ctx context.Context, _ State, _ Step, line func(string)) error {
	r.swap.stopped = true
	return r.stopVM(ctx, "", line)
}

// stopVM stops the VM with suffix, if it is not stopped already, in good order if it can be.
func (r *run) stopVM(ctx context.Context, suffix string, line func(string)) error {
	name := r.target.spec.VM + suffix
	if !hasConfig(r.dir(suffix)) {
		return nil // not for Lima
	}
	instance, err := r.lima.FindOnly(ctx, name)
	switch {
	case err != nil:
		return err
	case instance == nil || instance.Status == limatype.StatusStopped || instance.Config == nil:
		return nil
	case instance.Status == limatype.StatusRunning && r.lima.Stop(ctx, name, false, line) == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return r.lima.Stop(ctx, name, true, line)
}

// move gives the VM with the suffix from the one to. It must not run, not even if Lima says that it does not.
func (r *run) move(from, to string) error {
	if err := alive(r.dir(from)); err != nil {
		return err
	}
	return r.edges.Folders.Move(r.dir(from), r.dir(to))
}

// markProven takes down that the VM was proven.
func (r *run) markProven() error {
	return r.edges.Folders.Unmark(filepath.Join(r.dir(""), unprovenMark))
}

// discard makes the VM with suffix spare, which is the moment from which on it is not needed, and removes it.
func (r *run) discard(ctx context.Context, suffix string, line func(string)) error {
	if err := r.stopVM(ctx, suffix, line); err != nil {
		return err
	}
	if isProtected(r.dir(suffix)) {
		return fmt.Errorf("the VM %s is protected: limactl unprotect lifts that", r.target.spec.VM+suffix)
	}
	if err := r.move(suffix, spareSuffix); err != nil {
		return err
	}
	return r.clear(ctx, line)
}

// clear removes the spare VM. Lima does, as far as it knows it.
func (r *run) clear(ctx context.Context, line func(string)) error {
	if hasConfig(r.dir(spareSuffix)) {
		if err := r.lima.Delete(ctx, r.target.spec.VM+spareSuffix, line); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(r.dir(spareSuffix)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return r.edges.Folders.Clear(r.dir(spareSuffix))
}
