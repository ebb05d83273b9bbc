package tui

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

func TestRing(t *testing.T) {
	var r ring
	for i := range 2*ringSize + 7 {
		r.add(fmt.Sprint(i))
	}
	if r.len() != ringSize || r.lost != ringSize+7 || r.line(r.lost) != fmt.Sprint(ringSize+7) ||
		r.line(r.end()-1) != fmt.Sprint(2*ringSize+6) {
		t.Errorf("%d lines, %d lost, from %s to %s", r.len(), r.lost, r.line(r.lost), r.line(r.end()-1))
	}
}

// A flood costs no more memory than the ring, and events are not lost in it.
func TestMailboxHoldsAFlood(t *testing.T) {
	var b mailbox
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 3 * ringSize {
				b.put(logged("line"))
			}
			b.put(provision.Event{Type: provision.EventHeartbeat})
		})
	}
	writers.Wait()
	b.put(logged("the last"))
	came := b.take()
	if came.log.len() != ringSize || len(came.events) != 4 || came.last != "the last" || !came.newLast {
		t.Errorf("%d lines, %d events, %q last", came.log.len(), len(came.events), came.last)
	}
	if came = b.take(); came.log.len() != 0 || len(came.events) != 0 || came.newLast {
		t.Errorf("the same came twice: %+v", came)
	}
}

// The last line of a tool belongs to the step in which it came.
func TestLastLineGoesWithItsStep(t *testing.T) {
	w := newWizard(t, nil)
	working(w)
	w.emits(0, logged("of the old step"), stepped(2, firstPlan.Steps[1], provision.StepDone, 0),
		stepped(3, firstPlan.Steps[2], provision.StepRunning, 0))
	if last := w.model.facts.lastLine; last != "" {
		t.Errorf("the new step shows %q", last)
	}
}

// fakeEngine waits for its context.
type fakeEngine struct{ begun chan struct{} }

func (e fakeEngine) Restore(ctx context.Context) (provision.Health, error) { return e.Run(ctx) }

func (e fakeEngine) Remove(ctx context.Context) error {
	_, err := e.Run(ctx)
	return err
}

func (e fakeEngine) Run(ctx context.Context) (provision.Health, error) {
	close(e.begun)
	<-ctx.Done()
	return provision.Health{}, context.Cause(ctx)
}
func (e fakeEngine) Plan(context.Context) (provision.Plan, error) { return provision.Plan{}, nil }
func (e fakeEngine) Status(context.Context) (provision.Health, error) {
	return provision.Health{}, nil
}

func (e fakeEngine) PlanRestore(context.Context) (provision.Plan, error) {
	return provision.Plan{}, nil
}
func (e fakeEngine) PlanRemove(context.Context) (provision.Plan, error) { return provision.Plan{}, nil }

func (e fakeEngine) Watch(context.Context, func(provision.Health)) error { return nil }

// A panic of the engine is an error like others: the terminal is left in order, and the exit code is that of a bug.
func TestWorkerSurvivesAPanic(t *testing.T) {
	w := &worker{engine: func(Request) Engine { panic("boom") }, mailbox: &mailbox{}, now: time.Now}
	if ended := w.do(t.Context(), planning, Request{}); ended.err == nil || ended.err.Kind != provision.KindInternal ||
		!strings.Contains(ended.err.Why, "boom") {
		t.Errorf("%+v", ended)
	}
	w.close()
}

// Nothing that was begun outlives the wizard, and nothing begins after it.
func TestWorkerClose(t *testing.T) {
	engine := fakeEngine{make(chan struct{})}
	w := &worker{engine: func(Request) Engine { return engine }, mailbox: &mailbox{}, now: time.Now}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan endedMsg, 1)
	go func() { ended <- w.do(ctx, running, Request{}) }()
	<-engine.begun
	cancel()
	w.close()
	w.do(ctx, running, Request{}) // would close the channel a second time
	if msg := <-ended; msg.err == nil || msg.health != nil {
		t.Errorf("%+v", msg)
	}
}
