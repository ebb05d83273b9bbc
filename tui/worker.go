package tui

import (
	"context"
	"sync"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// call is a method of the engine.
type call int

const (
	idle      call = iota
	planning       // Engine.Plan: observes, and changes nothing
	running        // Engine.Run: changes
	verifying      // Engine.Status: observes and connects, and changes nothing
	watching       // Engine.Watch: the same again and again
	restoring      // Engine.Restore: changes
	removing       // Engine.Remove: changes
	// Engine.PlanRestore and Engine.PlanRemove run while a page waits in front of the others.
	planningRestore
	planningRemoval
)

// previews are the calls that plan what another one would do.
var previews = map[call]call{restoring: planningRestore, removing: planningRemoval}

// changes reports whether the call may change something.
func (c call) changes() bool { return c == running || c == restoring || c == removing }

// previews reports whether the call plans for a page that waits in front of the others.
func (c call) previews() bool { return c == planningRestore || c == planningRemoval }

// worker makes the calls of the engine, and knows when the last one has ended.
type worker struct {
	engine  func(Request) Engine
	mailbox *mailbox
	now     func() time.Time

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// do makes a call. It blocks until the engine has ended.
func (w *worker) do(ctx context.Context, what call, request Request) (ended endedMsg) {
	ended = endedMsg{call: what}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ended
	}
	w.running.Add(1)
	w.mu.Unlock()
	defer w.running.Done()
	defer func() {
		if problem := recover(); problem != nil {
			ended.err, ended.now = provision.PanicError(problem), w.now()
		}
	}()
	if what != watching && !what.previews() { // which are no run, and would fill the log
		request.Events = w.mailbox.put
	}
	engine := w.engine(request)
	var err error
	var health provision.Health
	switch what {
	case planning:
		ended.plan, err = engine.Plan(ctx)
	case running:
		health, err = engine.Run(ctx)
	case verifying:
		health, err = engine.Status(ctx)
	case planningRestore:
		ended.plan, err = engine.PlanRestore(ctx)
	case planningRemoval:
		ended.plan, err = engine.PlanRemove(ctx)
	case restoring:
		health, err = engine.Restore(ctx)
	case removing:
		err = engine.Remove(ctx)
	case watching:
		err = engine.Watch(ctx, w.mailbox.putHealth)
	}
	if health.Schema != 0 { // something was observed
		ended.health = &health
	}
	ended.err, ended.now = provision.AsError(err), w.now()
	return ended
}

// close waits for the current call, and lets no other begin.
func (w *worker) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.running.Wait()
}
