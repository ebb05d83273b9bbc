package provision

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// aheadHolds is how long what was seen of a booting guest counts.
const aheadHolds = time.Minute

// ahead is what was seen of the finished world while the VM was still busy booting.
type ahead struct {
	view
	begun time.Time
}

// observeAhead observes at the finished world while Lima is still busy with booting the VM: with what comes last, the mounts and
// then the host's end of the agent's socket. The guest has time then; before that its boot scripts take all that there is.
// What is seen counts only when everything is as it should be; otherwise the world is looked at again when it has booted.
func (r *run) observeAhead(ctx context.Context, instance *limatype.Instance) {
	forwards := func() bool { return accepts(ctx, lima.HostSocketPath(instance)) }
	if !r.vm.boot.going() || !r.vm.boot.until(func() bool { return r.vm.signs.reached(lima.PhaseMounts) || forwards() }) {
		return
	}
	now := ahead{begun: r.now()}
	ctx, cancel := context.WithCancelCause(ctx)
	forwarded := make(chan struct{})
	var proving sync.WaitGroup
	defer proving.Wait()
	defer cancel(nil)
	proving.Go(func() {
		proven := r.verifier().connect(ctx, instance, forwarded)
		now.proven = &proven
	})
	now.state = r.observe(ctx, instance)
	if now.state.Guest == nil || !r.vm.boot.until(forwards) {
		return
	}
	close(forwarded)
	late := errors.New("no answer within " + proveDeadline.String())
	defer time.AfterFunc(proveDeadline, func() { cancel(late) }).Stop()
	if r.vm.observeMounts(ctx, r.target, &now.state) != nil {
		return
	}
	proving.Wait()
	now.state.Booting, now.state.HostSocket = false, true
	now.plan = r.plan(now.state)
	if r.learn(ctx, &now.view); now.plan.complete() && now.proven.ok() {
		r.ahead = &now
	}
}

// seenAhead is what observeAhead saw, if that is fresh and the agent still answers.
func (r *run) seenAhead(ctx context.Context) (now view, seen bool) {
	was := r.ahead
	if r.ahead = nil; was == nil || r.now().Sub(was.begun) > aheadHolds {
		return now, false
	}
	ctx, cancel := context.WithTimeoutCause(ctx, proveDeadline, errors.New("no answer within "+proveDeadline.String()))
	defer cancel()
	_, err := askCapabilities(ctx, lima.HostSocketPath(was.state.Instance))
	return was.view, err == nil
}
