package tui

import (
	"slices"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// history is what one call of the engine has emitted so far.
type history struct {
	checks  []provision.CheckResult
	pending []provision.Step
	steps   []step
	message string // the last one that belongs to no step
	last    string // the last line of a tool
	lastAt  time.Time
}

// step is one that was started.
type step struct {
	provision.StepStatus
	began  time.Time
	phases []phase
}

// phase is a part of a step.
type phase struct {
	name  string
	began time.Time
}

// fold takes an event. This is the one place that knows the types of events.
func (h *history) fold(event provision.Event) {
	switch event.Type {
	case provision.EventCheck:
		h.check(*event.Check)
	case provision.EventPlan:
		h.pending = slices.Clone(event.Plan.Steps)
	case provision.EventStep, provision.EventProgress:
		h.advance(event)
	case provision.EventStarted, provision.EventLog:
	default:
		h.message = event.Message
	}
}

// check takes a check that was announced, or its result.
func (h *history) check(result provision.CheckResult) {
	at := slices.IndexFunc(h.checks, func(c provision.CheckResult) bool { return c.ID == result.ID })
	if at < 0 {
		h.checks = append(h.checks, result)
		return
	}
	h.checks[at] = result
}

// advance takes where a step stands.
func (h *history) advance(event provision.Event) {
	status := *event.Step
	if n := len(h.steps); n > 0 && h.steps[n-1].Number == status.Number {
		h.steps[n-1].StepStatus = status
	} else {
		h.steps = append(h.steps, step{StepStatus: status, began: event.Time.Add(-status.Elapsed)})
		h.pending = slices.DeleteFunc(h.pending, func(next provision.Step) bool { return next.ID == status.ID })
	}
	h.steps[len(h.steps)-1].enter(status.Phase, event.Time)
}

// enter records when a phase began.
func (s *step) enter(name string, at time.Time) {
	if n := len(s.phases); name != "" && (n == 0 || s.phases[n-1].name != name) {
		s.phases = append(s.phases, phase{name, at})
	}
}

// current is the running step; nil when there is none.
func (h *history) current() *step {
	if n := len(h.steps); n > 0 && h.steps[n-1].State == provision.StepRunning {
		return &h.steps[n-1]
	}
	return nil
}

// problem reports whether a check is worth reading about.
func problem(c provision.CheckResult) bool {
	return c.Outcome == provision.Failed || c.Outcome == provision.Warning || c.Outcome == provision.Unknown
}

func (h *history) problems() (found []provision.CheckResult) {
	for _, check := range h.checks {
		if problem(check) {
			found = append(found, check)
		}
	}
	return found
}

// fixable is the first check with a command that would fix it; nil when there is none.
func (h *history) fixable() *provision.CheckResult {
	for i, check := range h.checks {
		if problem(check) && check.Fix != nil {
			return &h.checks[i]
		}
	}
	return nil
}

// rolledBack reports whether a VM got its name back in the end. When the rollback failed as well, the error says so.
func (h *history) rolledBack() bool {
	n := len(h.steps)
	return n > 0 && h.steps[n-1].ID.RollsBack() && h.steps[n-1].State == provision.StepDone &&
		slices.ContainsFunc(h.steps, func(s step) bool {
			return s.ID == provision.StepUndoPlace && s.State == provision.StepDone
		})
}

// percent is how much of the work is done, as far as its usual time is known.
func (h *history) percent(now time.Time) int {
	const least = time.Second // so that steps whose time is unknown count
	var done, all time.Duration
	for i := range h.steps {
		usual := max(h.steps[i].Usual, least)
		all += usual
		if h.steps[i].State == provision.StepRunning {
			// A step that takes longer than usual is never quite done.
			done += min(now.Sub(h.steps[i].began), usual*95/100)
		} else {
			done += usual
		}
	}
	for _, next := range h.pending {
		if !next.Conditional {
			all += max(next.Usual, least)
		}
	}
	if all == 0 {
		return 0
	}
	return max(0, min(100, int(100*done/all)))
}
