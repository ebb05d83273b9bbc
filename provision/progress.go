package provision

import (
	"slices"
	"time"
)

// Progress accumulates the events of a call, for a program that shows the present state of a run instead of one line
// per event. The zero value is the start.
type Progress struct {
	Checks  []CheckResult  // as announced, or with their results
	Pending []Step         // of the latest plan
	Steps   []StepProgress // that were started
	Message string         // the last one that belongs to no step
}

// StepProgress is a step that was started.
type StepProgress struct {
	StepStatus
	Began  time.Time
	Phases []PhaseProgress
}

// PhaseProgress is a part of a step that was started.
type PhaseProgress struct {
	Name  string
	Began time.Time
}

// Add takes the next event.
func (p *Progress) Add(event Event) {
	switch event.Type {
	case EventCheck:
		p.addCheck(*event.Check)
	case EventPlan:
		p.Pending = slices.Clone(event.Plan.Steps)
	case EventStep, EventProgress:
		p.addStep(event)
	case EventStarted, EventLog:
	default:
		p.Message = event.Message
	}
}

func (p *Progress) addCheck(result CheckResult) {
	at := slices.IndexFunc(p.Checks, func(c CheckResult) bool { return c.ID == result.ID })
	if at < 0 {
		p.Checks = append(p.Checks, result)
		return
	}
	p.Checks[at] = result
}

func (p *Progress) addStep(event Event) {
	status := *event.Step
	if n := len(p.Steps); n > 0 && p.Steps[n-1].Number == status.Number {
		p.Steps[n-1].StepStatus = status
	} else {
		p.Steps = append(p.Steps, StepProgress{StepStatus: status, Began: event.Time.Add(-status.Elapsed)})
		p.Pending = slices.DeleteFunc(p.Pending, func(next Step) bool { return next.ID == status.ID })
	}
	step := &p.Steps[len(p.Steps)-1]
	if n := len(step.Phases); status.Phase != "" && (n == 0 || step.Phases[n-1].Name != status.Phase) {
		step.Phases = append(step.Phases, PhaseProgress{status.Phase, event.Time})
	}
}

// Current is the running step; nil when there is none.
func (p *Progress) Current() *StepProgress {
	if n := len(p.Steps); n > 0 && p.Steps[n-1].State == StepRunning {
		return &p.Steps[n-1]
	}
	return nil
}

// Problems returns the checks that a user should read about.
func (p *Progress) Problems() (problems []CheckResult) {
	for _, check := range p.Checks {
		if check.Outcome.IsProblem() {
			problems = append(problems, check)
		}
	}
	return problems
}

// Fixable is the first check with a command that would fix it; nil when there is none.
func (p *Progress) Fixable() *CheckResult {
	for i, check := range p.Checks {
		if check.Outcome.IsProblem() && check.Fix != nil {
			return &p.Checks[i]
		}
	}
	return nil
}

// RolledBack reports whether a VM got its name back. If the rollback failed as well, the error has the details.
func (p *Progress) RolledBack() bool {
	n := len(p.Steps)
	if n == 0 || !p.Steps[n-1].ID.RollsBack() || p.Steps[n-1].State != StepDone {
		return false
	}
	return slices.ContainsFunc(p.Steps,
		func(s StepProgress) bool { return s.ID == StepRollbackPlace && s.State == StepDone })
}

// Percent is how much of the work is done, as far as its usual time is known.
func (p *Progress) Percent(now time.Time) int {
	const least = time.Second // so that steps whose time is unknown count
	var done, all time.Duration
	for i := range p.Steps {
		usual := max(p.Steps[i].Usual, least)
		all += usual
		if p.Steps[i].State == StepRunning {
			// A step that takes longer than usual is never quite done.
			done += min(now.Sub(p.Steps[i].Began), usual*95/100)
		} else {
			done += usual
		}
	}
	for _, next := range p.Pending {
		if !next.Conditional {
			all += max(next.Usual, least)
		}
	}
	if all == 0 {
		return 0
	}
	return max(0, min(100, int(100*done/all)))
}
