package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// conclude ends a run in which nothing is left to do but to mark the layout as complete. The marker comes last: after
// everything else was observed, and after everybody was proven to reach the agent who should.
func (r *run) conclude(ctx context.Context, now view) (Health, error) {
	if now.plan.has(StepMarker) && now.proven.ok() {
		step := now.plan.Steps[0]
		r.done.add(step)
		if err := r.step(ctx, now.state, step, r.steps+1); err != nil {
			return r.report(now), err
		}
		now.state.Guest.Marker = guest.LayoutVersion // as its script has read it back
		now.plan = makePlan(r.target, now.state)
		r.events.emit(Event{Type: EventPlan, Plan: &now.plan})
	}
	return r.settle(r.report(now))
}

// mark writes the marker and compares what is there then.
func (r *run) mark(ctx context.Context, state State) error {
	_, points := r.target.mounts()
	reply, err := r.reply(ctx, state, guestDeadline, embed.Marker, nil, append([]string{guest.LayoutVersion}, points...)...)
	if err != nil {
		return err
	}
	if found := strings.TrimSuffix(string(reply.Stdout), "\n"); found != guest.LayoutVersion {
		return fmt.Errorf("the marker was written, and holds %q", found)
	}
	return nil
}

// lookAhead looks at the finished world while Lima still waits for the end of the guest's boot scripts: once Lima
// forwards the agent's socket, which it does after mounting, that is all that is left of booting. What is seen counts only
// when everything is as it should be; otherwise the world is looked at again when it has booted.
func (r *run) lookAhead(ctx context.Context, instance *limatype.Instance) {
	if !r.booting.going() {
		return
	}
	r.call(ctx, instance)
	ticker := time.NewTicker(entryPause)
	defer ticker.Stop()
	for !accepts(ctx, lima.HostSocketPath(instance)) {
		select {
		case <-r.booting.ended:
			return
		case <-ticker.C:
		}
	}
	r.booting.mounted = true
	if now := r.examine(ctx, instance, whenIdle); now.plan.complete() && now.proven.ok() {
		r.ahead = &now
	}
}

// seenAhead is what lookAhead saw, if the agent still answers.
func (r *run) seenAhead(ctx context.Context) (now view, seen bool) {
	if r.ahead == nil {
		return now, false
	}
	now, r.ahead = *r.ahead, nil
	ctx, cancel := context.WithTimeoutCause(ctx, proveDeadline, errors.New("no answer within "+proveDeadline.String()))
	defer cancel()
	_, err := askCapabilities(ctx, lima.HostSocketPath(now.state.Instance))
	return now, err == nil
}
