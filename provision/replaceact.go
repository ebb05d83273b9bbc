package provision

import (
	"context"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// createBeside makes the new VM under a name of its own: it fetches and checks the image and makes the disk, and so shows
// most of what can go wrong while the old VM still runs. How the old one answers is found out before.
func (r *run) createBeside(ctx context.Context, state State, _ Step, line func(string)) error {
	r.swap = &swap{remove: !r.target.spec.KeepOld}
	r.recordBefore(ctx, state)
	r.target.inheritNetfilter(state.Guest)
	profile, err := r.target.newProfile()
	if err != nil {
		return err
	}
	return r.place.Create(ctx, profile, r.swap.before, line)
}

// recordBefore records how the VM is that is going to be replaced. One that a killed run has stopped ran before that.
func (r *run) recordBefore(ctx context.Context, state State) {
	before := vmswap.Note{Ran: state.Instance.Status != limatype.StatusStopped}
	if state.Guest != nil {
		for _, access := range r.prove(ctx, state.Instance).access {
			if access.Outcome == OK {
				before.Answered = append(before.Answered, string(access.Who))
			}
		}
	}
	r.swap.before = before
	if r.before.Ran && !before.Ran {
		r.swap.before, r.swap.stopped = r.before, true
	}
}

// stopOld stops the VM that is going to be replaced, by force if it does not stop in good order.
func (r *run) stopOld(ctx context.Context, _ State, _ Step, line func(string)) error {
	r.swap.stopped = true
	return r.place.Stop(ctx, "", line)
}
