package provision

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// aheadHolds is how long early observations of a booting guest stay valid.
const aheadHolds = time.Minute

// ahead observes the finished world while the VM is still booting.
type ahead struct {
	run *run
	// last is what was observed, from begun on; nil when something was not in order.
	last  *view
	begun time.Time
}

// observe observes the finished world while Lima is still booting the VM: once the mounts are there, and then the
// host's end of the agent's socket, which come last. Before that, the boot scripts need all of the guest's CPU time.
// The result counts only when everything is ok; otherwise the world is observed again after the boot.
func (a *ahead) observe(ctx context.Context, instance *limatype.Instance) {
	r := a.run
	forwards := func() bool { return lifecycle.Accepts(ctx, lima.HostSocketPath(instance)) }
	if !r.vm.Boot.Going() ||
		!r.vm.Boot.Until(func() bool { return r.vm.Activity.Reached(lima.PhaseMounts) || forwards() }) {
		return
	}
	now, begun := view{}, r.edges.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	forwarded := make(chan struct{})
	var verifying sync.WaitGroup
	defer verifying.Wait()
	defer cancel(nil)
	verifying.Go(crash.Guard(func() {
		verified := newVerifier(r.target, r.edges).Connect(ctx, instance, forwarded)
		now.verified = &verified
	}))
	now.state = r.observer.observe(ctx, instance, r.target, r.done, nil)
	if now.state.Guest == nil || !r.vm.Boot.Until(forwards) {
		return
	}
	close(forwarded)
	late := errors.New("no answer within " + verify.Deadline.String())
	defer time.AfterFunc(verify.Deadline, crash.Guard(func() { cancel(late) })).Stop()
	if r.observer.observeMounts(ctx, r.target, &now.state) != nil {
		return
	}
	verifying.Wait()
	now.state.Booting, now.state.HostSocket = false, true
	now.plan = planFor(r.target, now.state)
	if r.refine(ctx, &now); now.plan.complete() && now.verified.Passed() {
		a.last, a.begun = &now, begun
	}
}

// seen returns what was observed, once, if it is fresh and the agent still answers.
func (a *ahead) seen(ctx context.Context) (now view, seen bool) {
	r, was := a.run, a.last
	if a.last = nil; was == nil || r.edges.Now().Sub(a.begun) > aheadHolds {
		return now, false
	}
	ctx, cancel := context.WithTimeoutCause(ctx, verify.Deadline,
		errors.New("no answer within "+verify.Deadline.String()))
	defer cancel()
	_, err := verify.Ask(ctx, r.target.layout, lima.HostSocketPath(was.state.Instance))
	return *was, err == nil
}
