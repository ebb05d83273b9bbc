package provision

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// bootProcess is a `limactl start` at work. Half of the time that it takes the guest can be worked on already.
type bootProcess struct {
	ended chan struct{} // closed when it has ended; err is valid then
	err   error
}

// wait waits for the end of booting. Without a boot under way there is nothing to wait for.
func (b *bootProcess) wait() error {
	if b == nil {
		return nil
	}
	<-b.ended
	return b.err
}

// going says that booting is still under way.
func (b *bootProcess) going() bool {
	if b == nil {
		return false
	}
	select {
	case <-b.ended:
		return false
	default:
		return true
	}
}

// until waits until seen says so; false when booting has ended without that.
func (b *bootProcess) until(seen func() bool) bool {
	ticker := time.NewTicker(entryPause)
	defer ticker.Stop()
	for !seen() {
		select {
		case <-b.ended:
			return false
		case <-ticker.C:
		}
	}
	return true
}

// failed says that booting has come to its end, and to no good one.
func (b *bootProcess) failed() bool { return b != nil && !b.going() && b.err != nil }

// laying says that mounts and forwarded sockets are still to come. Where booting has failed before anybody waited for
// its end, they are, too, so that it is waited for and the reason reported (TestWhatReplacementsMeet, under load).
func (b *bootProcess) laying() bool { return b.going() || b.failed() }

// bootPause is the interval at which a boot that another program began is probed for its end.
const bootPause = time.Second

// bootOf says whether the boot that Lima's host agent is looking after came to its end, as its events say, and how long
// ago that agent was started. A boot that left no events is taken for an old one.
func bootOf(instance *limatype.Instance, now time.Time) (booted bool, age time.Duration) {
	if info, err := os.Stat(filepath.Join(instance.Dir, filenames.HostAgentPID)); err == nil {
		age = max(now.Sub(info.ModTime()), 1)
	}
	boot, err := lima.ReadBoot(instance.Dir)
	return boot.Ended || err != nil, age
}

// startedBefore says whether an instance was ever started: Lima's host agent leaves its log.
func startedBefore(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, filenames.HostAgentStdoutLog))
	return err == nil
}

// hasDisk says whether an instance ever got as far as having a disk, under its name in Lima 2 or in Lima 1.
func hasDisk(dir string) bool {
	for _, name := range []string{filenames.Disk, filenames.DiffDiskLegacy} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// explainBoot says how far a VM came that did not start.
func explainBoot(r *run, _ State, failure *Error, _ error) {
	spec := r.target.spec
	failure.Why += r.vm.signs.evidence()
	failure.Next = fmt.Sprintf("see %s and serial.log beside it, then run worldsetup again; the log is %s",
		filepath.Join(spec.LimaHome, spec.VM, "ha.stderr.log"), LogPath(spec))
	if !r.done.begun(StepCreate) && !r.swap.underway {
		failure.Next += "; " + lastResort(spec.VM)
	}
}

// aheadHolds is how long what was seen of a booting guest counts.
const aheadHolds = time.Minute

// ahead is what was seen of the finished world while the VM was still busy booting.
type ahead struct {
	view
	begun time.Time
}

// observeAhead observes at the finished world while Lima is still busy with booting the VM: with what comes last, the
// mounts and then the host's end of the agent's socket. The guest has time then; before that its boot scripts take all
// that there is. What is observed counts only when everything is ok; otherwise the world is observed again when it has
// booted.
func (r *run) observeAhead(ctx context.Context, instance *limatype.Instance) {
	forwards := func() bool { return accepts(ctx, lima.HostSocketPath(instance)) }
	if !r.vm.boot.going() ||
		!r.vm.boot.until(func() bool { return r.vm.signs.reached(lima.PhaseMounts) || forwards() }) {
		return
	}
	now := ahead{begun: r.edges.Now()}
	ctx, cancel := context.WithCancelCause(ctx)
	forwarded := make(chan struct{})
	var proving sync.WaitGroup
	defer proving.Wait()
	defer cancel(nil)
	proving.Go(func() {
		verified := r.verifier().connect(ctx, instance, forwarded)
		now.verified = &verified
	})
	now.state = r.vm.observe(ctx, instance, r.target, r.done)
	if now.state.Guest == nil || !r.vm.boot.until(forwards) {
		return
	}
	close(forwarded)
	late := errors.New("no answer within " + verifyDeadline.String())
	defer time.AfterFunc(verifyDeadline, func() { cancel(late) }).Stop()
	if r.vm.observeMounts(ctx, r.target, &now.state) != nil {
		return
	}
	proving.Wait()
	now.state.Booting, now.state.HostSocket = false, true
	now.plan = planFor(r.target, now.state)
	if r.refine(ctx, &now.view); now.plan.complete() && now.verified.ok() {
		r.ahead = &now
	}
}

// seenAhead is what observeAhead saw, if that is fresh and the agent still answers.
func (r *run) seenAhead(ctx context.Context) (now view, seen bool) {
	was := r.ahead
	if r.ahead = nil; was == nil || r.edges.Now().Sub(was.begun) > aheadHolds {
		return now, false
	}
	ctx, cancel := context.WithTimeoutCause(ctx, verifyDeadline,
		errors.New("no answer within "+verifyDeadline.String()))
	defer cancel()
	_, err := askCapabilities(ctx, lima.HostSocketPath(was.state.Instance))
	return was.view, err == nil
}
