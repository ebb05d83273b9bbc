package tui

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// call is what the engine is asked to do.
type call int

const (
	idle      call = iota
	planning       // Engine.Plan: looks, and changes nothing
	running        // Engine.Run: changes
	proving        // Engine.Status: looks and connects, and changes nothing
	watching       // Engine.Watch: the same again and again
	restoring      // Engine.Restore: changes
	removing       // Engine.Remove: changes
	// Engine.PlanRestore and Engine.PlanRemove look, while a page waits in front of the others.
	planningRestore
	planningRemoval
)

// changes says whether the call may change something.
func (c call) changes() bool { return c == running || c == restoring || c == removing }

// worker makes the calls of the engine, and knows when the last one has ended.
type worker struct {
	engine  func(Request) Engine
	mailbox *mailbox
	now     func() time.Time

	mu     sync.Mutex
	closed bool
	busy   sync.WaitGroup
}

// do makes a call. It blocks until the engine has ended.
func (w *worker) do(ctx context.Context, what call, request Request) (ended endedMsg) {
	ended = endedMsg{call: what}
	if !w.enter() {
		return ended
	}
	defer w.busy.Done()
	defer func() {
		if problem := recover(); problem != nil {
			ended.err, ended.now = bug(fmt.Sprintf("%v\n%s", problem, debug.Stack())), w.now()
		}
	}()
	if what != watching && what < planningRestore { // which are no run, and would fill the log
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
	case proving:
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
		err = engine.Watch(ctx, w.mailbox.report)
	}
	ended.health, ended.err, ended.now = healthOf(health), provision.AsError(err), w.now()
	return ended
}

// bug is the error of a program that is wrong.
func bug(why string) *provision.Error {
	return &provision.Error{
		Kind: provision.KindInternal, What: "worldsetup has a bug", Why: why,
		Next: "report it with these lines; running it again does no harm",
	}
}

func (w *worker) enter() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.busy.Add(1)
	}
	return !w.closed
}

// close waits for the call under way, and lets no other begin.
func (w *worker) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.busy.Wait()
}
