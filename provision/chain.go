package provision

import (
	"context"
	"fmt"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// chain is the tasks of steps that follow one another, under way in the guest in one go.
type chain struct {
	cancel    context.CancelCauseFunc
	deadlines []time.Duration // of those whose steps are still to come
	ended     chan struct{}   // gets one for each task that was done
	over      chan struct{}   // closed when err is valid
	err       error           // of the first task that was not done
}

// chainUp begins the tasks of the step that is due and of those after it, unless they are under way already. Its error is of
// the task of the step that is due.
func (r *run) chainUp(ctx context.Context, state State) error {
	if r.chain != nil && len(r.chain.deadlines) > 0 {
		return nil
	}
	steps := r.rest
	r.unchain()
	var requests []guest.Request
	c := &chain{over: make(chan struct{})}
	for _, step := range steps {
		task, err := r.task(state.Guest, step)
		if err != nil && len(requests) == 0 {
			return err
		}
		if task == nil || err != nil {
			break
		}
		requests = append(requests, task.request(state.route()))
		c.deadlines = append(c.deadlines, task.deadline)
	}
	if len(requests) == 0 {
		return nil
	}
	ctx, c.cancel = context.WithCancelCause(ctx)
	c.ended = make(chan struct{}, len(requests))
	r.chain = c
	go func() {
		defer close(c.over)
		c.err = r.guest(state.Instance).Chain(ctx, requests, func() { c.ended <- struct{}{} })
	}()
	return nil
}

// next waits for the task of the next step.
func (c *chain) next() error {
	deadline := c.deadlines[0]
	c.deadlines = c.deadlines[1:]
	late := time.AfterFunc(deadline, func() { c.cancel(fmt.Errorf("no end within %v", deadline)) })
	defer late.Stop()
	if len(c.deadlines) == 0 { // the last one's end is that of all
		<-c.over
		return c.err
	}
	select {
	case <-c.ended:
		return nil
	case <-c.over:
	}
	select {
	case <-c.ended: // before a later one was not done
		return nil
	default:
		return c.err
	}
}

// unchain ends what is under way, if anything is.
func (r *run) unchain() {
	if r.chain != nil {
		r.chain.cancel(nil)
		<-r.chain.over
	}
	r.chain, r.rest = nil, nil
}
