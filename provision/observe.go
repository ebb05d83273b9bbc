package provision

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// One look into the guest takes 1 s on an idle emulated machine and up to 7 s on a busy one. A dead shared connection
// hangs, so it is given up sooner than the fresh one that is tried next.
const (
	sharedDeadline = 20 * time.Second
	freshDeadline  = 45 * time.Second
)

// find asks Lima for the instance; nil when there is none. One directory in Lima's home that is no VM makes `limactl list`
// fail for all of them, and an interrupted creation can leave one: that must not hide what is there, or what is in the way.
func (r *run) find(ctx context.Context) (*limatype.Instance, error) {
	instance, err := r.lima.Find(ctx, r.target.spec.VM)
	if refused := (*lima.CommandError)(nil); !errors.As(err, &refused) {
		return instance, err
	}
	dir := filepath.Join(r.target.spec.LimaHome, r.target.spec.VM)
	if beside := r.place.Survey(); !beside.VM || beside.Partial {
		return nil, nil
	}
	if _, statErr := os.Lstat(filepath.Join(dir, filenames.LimaYAML)); errors.Is(statErr, fs.ErrNotExist) {
		return nil, &Error{
			Kind: KindUnhealthy, What: dir + " stands where the VM would be, and is none",
			Why: "it has no " + filenames.LimaYAML + "; an interrupted creation leaves such a directory", Err: err,
			Next: "look into it, and if nothing in it is needed: rm -r " + shellescape.Quote(dir) + "; then run worldsetup again",
		}
	}
	return r.lima.FindOnly(ctx, r.target.spec.VM)
}

// observe finds out what there is of instance, which may be nil. A guest that cannot be entered is part of the State.
func (r *run) observe(ctx context.Context, instance *limatype.Instance) State {
	state := State{Instance: instance, Siblings: r.place.Survey(), Booting: r.booting.laying(), Tried: r.done.finished, Unheld: r.done.unheld, Locked: r.done.locked}
	if instance != nil {
		state.Booted, state.Age = bootOf(instance, r.now())
		state.Booting = state.Booting || r.booting == nil && instance.Status == limatype.StatusRunning && !state.Booted && state.Age > 0 && state.Age < bootGrace
		state.DiskGone = startedBefore(instance.Dir) && !hasDisk(instance.Dir)
	}
	if instance == nil || instance.Status != limatype.StatusRunning || instance.Config == nil {
		return state
	}
	state.HostSocket = accepts(ctx, lima.HostSocketPath(instance))
	directories, points := r.target.mounts()
	if state.Booting {
		directories, points = nil, nil // they come with the end of booting, and looking at them would slow that down
	}
	state.Guest, state.SharedDead, state.GuestError = r.observeGuest(ctx, instance, points)
	if state.Guest == nil {
		return state
	}
	state.Mounts = r.compareMounts(directories, points, state.Guest.Mounts)
	return state
}

// compareMounts says of each mount what is wrong with it, and nothing when nothing is.
func (r *run) compareMounts(directories, points []string, mounts []guest.Mount) (problems []string) {
	now := r.now()
	for i, mount := range mounts {
		problems = append(problems, compareMount(directories[i], mount, points[i] != guest.ProjectMount, now))
	}
	return problems
}

// observeMounts makes up for the mounts that were not there yet when the rest of a booting guest was observed.
func (r *run) observeMounts(ctx context.Context, state *State) error {
	directories, points := r.target.mounts()
	reply, err := r.guest(state.Instance).Exec(ctx, guest.Request{Route: guest.Shared, Script: embed.Mounts, Args: points})
	if err != nil {
		return err
	}
	state.Guest.Mounts, err = guest.ParseMounts(reply, len(points))
	state.Mounts = r.compareMounts(directories, points, state.Guest.Mounts)
	return err
}

// observeGuest looks over the shared connection, whose groups are the ones that count, and when that is dead over a fresh one.
func (r *run) observeGuest(ctx context.Context, instance *limatype.Instance, points []string) (o *guest.Observation, sharedDead bool, err error) {
	script := embed.Observe
	if r.booting.going() && r.done.begun(StepCreate) && !r.done.begun(StepSettle) {
		script = embed.ObserveNew // a look costs the boot as much as it takes, and there is nothing to be seen
	}
	look := func(route guest.Route, deadline time.Duration) (guest.Reply, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, deadline, errors.New("no answer within "+deadline.String()))
		defer cancel()
		return r.guest(instance).Exec(ctx, guest.Request{Route: route, Script: script, Args: points})
	}
	reply, err := look(guest.Shared, sharedDeadline)
	if connection := (*guest.ConnectionError)(nil); errors.As(err, &connection) && ctx.Err() == nil {
		var freshErr error
		reply, freshErr = look(guest.Fresh, freshDeadline)
		if freshErr != nil {
			return nil, false, errors.Join(err, freshErr)
		}
		sharedDead, err = true, nil
	}
	if err != nil {
		return nil, false, err
	}
	o, err = guest.ParseObservation(reply, len(points))
	return o, sharedDead, err
}

// accepts says whether the UNIX socket at path accepts connections.
func accepts(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return false
	}
	connection.Close()
	return true
}

// limaError turns an error of limactl into one that a person can act on.
func limaError(ctx context.Context, what string, err error) *Error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if known := (*Error)(nil); errors.As(err, &known) {
		return known
	}
	failure := &Error{Kind: KindPrerequisite, What: what, Why: err.Error(), Next: "see what `limactl list` says", Err: err}
	if missing := (*lima.NotInstalledError)(nil); errors.As(err, &missing) {
		failure.Next = "install Lima: brew install lima, or see https://lima-vm.io/docs/installation/"
	}
	return failure
}

// interrupted is the error of a run whose context ended.
func interrupted(ctx context.Context) *Error {
	cause := context.Cause(ctx)
	failure := &Error{Kind: KindInterrupted, What: "the run was interrupted", Why: cause.Error(), Next: "run worldsetup again: it carries on from here", Err: cause}
	if errors.Is(cause, errTimeout) {
		failure.Kind = KindProvisioning
		failure.What = "the run took too long"
	}
	return failure
}

var errTimeout = errors.New("the time that --timeout allows is over")
