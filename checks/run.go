package checks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// unwind is how long a probe whose time is up may take to return, so that what it started is gone before Run is: a
// program that ignores SIGTERM lives for 5 s more (internal/process).
const unwind = 6 * time.Second

// Run runs the checks of list side by side and returns their results in the order of list. Each settled result is also
// given to each, one at a time and a requirement before what requires it; each may be nil.
//
// A check waits for those that it requires, as far as they are in the list, and is Skipped when one of them Failed, was
// Skipped or is Unknown. A check over its deadline Failed. What has not settled when ctx ends is Unknown.
func Run(ctx context.Context, list []Check, each func(Result)) []Result {
	results := make([]Result, len(list))
	settled := make([]chan struct{}, len(list)) // closed when the result of the same index is there
	for i := range list {
		settled[i] = make(chan struct{})
	}
	order := make(chan int, len(list))
	for i, check := range list {
		go func() {
			cause := ""
			// Only checks before this one count: requirements that run in a circle would never settle.
			for j, other := range list[:i] {
				if !slices.Contains(check.Requires, other.ID) {
					continue
				}
				<-settled[j]
				if cause == "" && !holds(results[j].Outcome) {
					cause = "waits for " + other.Title
				}
			}
			results[i] = check.settle(ctx, cause)
			order <- i
			close(settled[i])
		}()
	}
	for range list {
		if i := <-order; each != nil {
			each(results[i])
		}
	}
	return results
}

// holds says whether a check that requires one with this outcome can be made.
func holds(outcome Outcome) bool {
	return outcome != Failed && outcome != Skipped && outcome != Unknown
}

// settle makes the check, unless it does not apply or must wait for another one.
func (c Check) settle(ctx context.Context, waitsFor string) Result {
	start := time.Now()
	var finding Finding
	switch {
	case c.omitted != "":
		finding = Finding{Outcome: Omitted, Found: c.omitted}
	case waitsFor != "":
		finding = Finding{Outcome: Skipped, Found: waitsFor}
	default:
		finding = c.probe(ctx)
	}
	if finding.Outcome == Failed && finding.Problem == nil {
		finding.Problem = &Problem{What: c.Title + ": " + finding.Found}
	}
	return Result{
		ID: c.ID, Title: c.Title, Outcome: cmp.Or(finding.Outcome, Unknown),
		Found: finding.Found, Details: finding.Details, Problem: finding.Problem, Fix: finding.Fix, Elapsed: time.Since(start),
	}
}

// probe runs the probe within its deadline. An answer that comes after it does not count: it may tell of nothing but the end.
func (c Check) probe(ctx context.Context) Finding {
	deadline := cmp.Or(c.Deadline, DefaultDeadline)
	limited, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	if limited.Err() == nil {
		answer := make(chan Finding, 1)
		go func() { answer <- c.Probe(limited) }()
		select {
		case finding := <-answer:
			if limited.Err() == nil {
				return finding
			}
		case <-limited.Done():
			select {
			case <-answer:
			case <-time.After(unwind):
			}
		}
	}
	if ctx.Err() != nil {
		return Finding{Outcome: Unknown, Found: "the run ended first"}
	}
	return failed(fmt.Sprintf("%s gave no answer within %v", c.Title, deadline), "", cmp.Or(c.Late, "run it again"))
}
