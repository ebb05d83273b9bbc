package provision

import (
	"context"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// createBeside makes the new VM under a name of its own: it fetches and checks the image and makes the disk, and so shows
// most of what can go wrong while the old VM still runs. How the old one answers is found out before.
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
	before := vmswap.Note{Ran: state.Instance.Status != limatype.StatusStopped}
	if state.Guest != nil {
		for _, access := range w.run.verifier().verify(ctx, state.Instance).access {
			if access.Outcome == OK {
				before.Answered = append(before.Answered, string(access.Who))
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
