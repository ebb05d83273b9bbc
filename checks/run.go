package checks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision/finding"
)

// unwind is how long a probe may take to return after its deadline, so that what it started is gone before Run is: a
// program that ignores SIGTERM lives for 5 s more (internal/process).
const unwind = 6 * time.Second

// Run runs the checks of list side by side and returns their results in the order of list. It passes them to each,
// which may be nil: every check as Pending before the first probe starts, then its result, one at a time and a
// requirement before what requires it.
//
// A check waits for those that it requires, as far as they are in the list, and is Skipped when one of them Failed, was
// Skipped or is Unknown. A check over its deadline Failed. A check that has no result when ctx ends is Unknown.
func Run(ctx context.Context, list []Check, each func(Result)) []Result {
	results := make([]Result, len(list))
	done := make([]chan struct{}, len(list)) // closed when the result of the same index is there
	for i := range list {
		done[i] = make(chan struct{})
	}
	if each != nil {
		for _, check := range list {
			each(Result{Finding: finding.Finding{ID: check.ID, Title: check.Title, Outcome: Pending}})
		}
	}
	order := make(chan int, len(list))
	for i, check := range list {
		go crash.Guard(func() {
			waitsFor := ""
			// Only checks before this one count: a circle of requirements would never end.
			for j, other := range list[:i] {
				if !slices.Contains(check.Requires, other.ID) {
					continue
				}
				<-done[j]
				if outcome := results[j].Outcome; outcome == Failed || outcome == Skipped || outcome == Unknown {
					waitsFor = cmp.Or(waitsFor, "waits for "+other.Title)
				}
			}
			results[i] = check.run(ctx, waitsFor)
			order <- i
			close(done[i])
		})()
	}
	for range list {
		if i := <-order; each != nil {
			each(results[i])
		}
	}
	return results
}

// run runs the check, unless it does not apply, or must wait for one that has not passed, which waitsFor reports.
func (c Check) run(ctx context.Context, waitsFor string) Result {
	start := time.Now()
	var r Result
	switch {
	case c.omitted != "":
		r = result(Omitted, c.omitted)
	case waitsFor != "":
		r = result(Skipped, waitsFor)
	default:
		r = c.probe(ctx)
	}
	r.ID, r.Title, r.Outcome, r.Elapsed = c.ID, c.Title, cmp.Or(r.Outcome, Unknown), time.Since(start)
	return r
}

// probe runs the probe within its deadline. A later answer does not count: its cause may be the deadline itself.
func (c Check) probe(ctx context.Context) Result {
	deadline := cmp.Or(c.Deadline, DefaultDeadline)
	limited, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if limited.Err() == nil {
		answer := make(chan Result, 1)
		go crash.Guard(func() { answer <- c.Probe(limited) })()
		select {
		case result := <-answer:
			if limited.Err() == nil {
				return result
			}
		case <-limited.Done():
			select {
			case <-answer:
			case <-time.After(unwind):
			}
		}
	}
	if ctx.Err() != nil {
		return result(Unknown, "the run ended first")
	}
	return failed(fmt.Sprintf("%s gave no answer within %v", c.Title, deadline), "", cmp.Or(c.Late, "run it again"))
}
