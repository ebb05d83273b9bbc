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
	word    string // what the engine said last that belongs to no step
	last    string // the latest line of a tool
	lastAt  time.Time
}

// check is a prerequisite, from when it is announced.
type check struct {
	id, title string
	outcome   provision.Outcome
	found     string
	why, next string
	fix, note string // the command that would fix it, and what to know of it
}

// step is one that was begun.
type step struct {
	provision.StepStatus
	begun  time.Time
	phases []phase
}

// phase is a part of a step.
type phase struct {
	name  string
	begun time.Time
}

// fold takes what has happened. This is the one place that knows the types of events.
func (s *story) fold(event provision.Event) {
	switch event.Type {
	case provision.EventCheck:
		s.settle(event)
	case provision.EventPlan:
		s.planned, s.pending = true, slices.Clone(event.Plan.Steps)
	case provision.EventStep, provision.EventProgress:
		s.advance(event)
	case provision.EventStarted, provision.EventLog:
	default:
		s.word = event.Message
	}
}

// settle takes a check that was announced, or has come to its outcome.
func (s *story) settle(event provision.Event) {
	settled := check{id: event.Check.ID, title: event.Check.Title, outcome: event.Check.Outcome, found: event.Check.Found}
	if problem := event.Check.Problem; problem != nil {
		settled.why, settled.next = problem.Why, problem.Next
	}
	if fix := event.Check.Fix; fix != nil {
		settled.fix, settled.note = fix.String(), fix.Note
	}
	at := slices.IndexFunc(s.checks, func(c check) bool { return c.id == settled.id && c.title == settled.title })
	if at < 0 {
		s.checks = append(s.checks, settled)
		return
	}
	s.checks[at] = settled
}

func (s *story) advance(event provision.Event) {
	status := *event.Step
	if n := len(s.steps); n > 0 && s.steps[n-1].Number == status.Number {
		s.steps[n-1].StepStatus = status
	} else {
		s.steps = append(s.steps, step{StepStatus: status, begun: event.Time.Add(-status.Elapsed)})
		s.pending = slices.DeleteFunc(s.pending, func(next provision.Step) bool { return next.ID == status.ID })
	}
	s.steps[len(s.steps)-1].enter(status.Phase, event.Time)
}

// enter notes when a phase began.
func (s *step) enter(name string, at time.Time) {
	if n := len(s.phases); name != "" && (n == 0 || s.phases[n-1].name != name) {
		s.phases = append(s.phases, phase{name, at})
	}
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

// fixable are the checks with a command that would fix them.
func (s *story) fixable() (fixable []check) {
	for _, check := range s.troubles() {
		if check.fix != "" {
			fixable = append(fixable, check)
		}
	}
	return fixable
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
