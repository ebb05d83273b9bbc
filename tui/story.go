package tui

import (
	"slices"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// story is what one call of the engine has told so far.
type story struct {
	checks  []check
	planned bool // a plan was told
	pending []provision.Step
	steps   []step
	last    string // the latest line of a tool
}

// check is a prerequisite that has settled.
type check struct {
	title     string
	outcome   provision.Outcome
	found     string
	why, next string
}

// step is one that was begun.
type step struct {
	provision.StepStatus
	begun time.Time
}

// The outcomes that only a check has.
const (
	skipped provision.Outcome = "skipped"
	omitted provision.Outcome = "omitted"
)

// fold takes what has happened. This is the one place that knows the types of events.
func (s *story) fold(event provision.Event) {
	switch event.Type {
	case provision.EventCheck:
		s.settle(event)
	case provision.EventPlan:
		s.planned, s.pending = true, slices.Clone(event.Plan.Steps)
	case provision.EventStep:
		s.advance(event)
	}
}

func (s *story) settle(event provision.Event) {
	settled := check{title: event.Check.Title, outcome: event.Check.Outcome, found: event.Check.Found}
	if problem := event.Check.Problem; problem != nil {
		settled.why, settled.next = problem.Why, problem.Next
	}
	s.checks = append(s.checks, settled)
}

func (s *story) advance(event provision.Event) {
	status := *event.Step
	if n := len(s.steps); n > 0 && s.steps[n-1].Number == status.Number {
		s.steps[n-1].StepStatus = status
		return
	}
	s.steps = append(s.steps, step{status, event.Time.Add(-status.Elapsed)})
	s.pending = slices.DeleteFunc(s.pending, func(next provision.Step) bool { return next.ID == status.ID })
}

// current is the step under way; nil when there is none.
func (s *story) current() *step {
	if n := len(s.steps); n > 0 && s.steps[n-1].State == provision.StepRunning {
		return &s.steps[n-1]
	}
	return nil
}

// troubled says whether a check is worth a look.
func (c check) troubled() bool {
	return c.outcome == provision.Failed || c.outcome == provision.Warning || c.outcome == provision.Unknown
}

func (s *story) troubles() (worth []check) {
	for _, check := range s.checks {
		if check.troubled() {
			worth = append(worth, check)
		}
	}
	return worth
}

// share is how much of the work is done, in percent, as far as its usual time is known.
func (s *story) share(now time.Time) int {
	const least = time.Second // so that steps whose time is unknown count
	var done, all time.Duration
	for i := range s.steps {
		usual := max(s.steps[i].Usual, least)
		all += usual
		if s.steps[i].State == provision.StepRunning {
			// A step that takes longer than usual is never quite done.
			done += min(now.Sub(s.steps[i].begun), usual*95/100)
		} else {
			done += usual
		}
	}
	for _, next := range s.pending {
		if !next.Conditional {
			all += max(next.Usual, least)
		}
	}
	if all == 0 {
		return 0
	}
	return max(0, min(100, int(100*done/all)))
}
