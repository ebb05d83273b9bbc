package provision

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// task is what root does in the guest for a step that is nothing else than that.
type task struct {
	script   embed.Script
	args     []string
	input    []byte        // nil for none
	deadline time.Duration // 0: guestDeadline
}

func (t *task) request(route guest.Route) guest.Request {
	request := guest.Request{Route: route, Script: t.script, Args: t.args, Root: true}
	if t.input != nil {
		request.Stdin = bytes.NewReader(t.input)
	}
	return request
}

// chain is the tasks of steps that follow one another, under way in the guest in one go.
type chain struct {
	cancel    context.CancelCauseFunc
	deadlines []time.Duration // of those whose steps are still to come
	ended     chan struct{}   // gets one for each task that was done
	over      chan struct{}   // closed when err is valid
	err       error           // of the first task that was not done
}

// tasks runs the tasks of a plan's steps in the guest.
type tasks struct {
	rest  []Step // of the plan, from the step under way on
	chain *chain // what the guest is at for it; nil for nothing
}

// begin begins the tasks of the step under way and of those after it, unless they are under way already. Its error is of
// the task of the step under way.
func (w *tasks) begin(ctx context.Context, t target, in session, o *guest.Observation) error {
	if w.chain != nil && len(w.chain.deadlines) > 0 {
		return nil
	}
	steps := w.rest
	w.end()
	var requests []guest.Request
	c := &chain{over: make(chan struct{})}
	for _, step := range steps {
		k := kindOf(step.ID)
		if k.task == nil {
			break
		}
		task, err := k.task(t, o, step)
		if err != nil && len(requests) == 0 {
			return err
		}
		if task == nil || err != nil {
			break
		}
		requests = append(requests, task.request(in.route))
		c.deadlines = append(c.deadlines, cmp.Or(task.deadline, guestDeadline))
	}
	if len(requests) == 0 {
		return nil
	}
	ctx, c.cancel = context.WithCancelCause(ctx)
	c.ended = make(chan struct{}, len(requests))
	w.chain = c
	go func() {
		defer close(c.over)
		c.err = in.Chain(ctx, requests, func() { c.ended <- struct{}{} })
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

// end ends what is under way, if anything is.
func (w *tasks) end() {
	if w.chain != nil {
		w.chain.cancel(nil)
		<-w.chain.over
	}
	w.chain, w.rest = nil, nil
}
