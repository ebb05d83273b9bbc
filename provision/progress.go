package provision

import (
	"cmp"
	"slices"
	"time"
)

// Progress accumulates the events of a call, for a program that shows the present state of a run instead of one line
// per event. The zero value is the start.
type Progress struct {
	Checks []CheckResult // as announced, or with their results
	// Steps is the list of the run: the plan that was agreed to, and after it what was added. Steps keep their places.
	Steps   []StepProgress
	Message string // the last one that belongs to no step

	between  time.Duration // how long observing and verifying take, between the steps
	began    time.Time     // the first step; zero before
	finished bool          // without an error
}

// StepProgress is a step of a run's list.
type StepProgress struct {
	StepStatus
	Conditional bool // it is skipped if the VM turns out not to need it
	Began       time.Time
	Phases      []PhaseProgress
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
		p.addPlan(*event.Plan)
	case EventStep, EventProgress:
		p.addStep(event)
	case EventFinished:
		p.finished = event.Result.Error == nil
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

// addPlan takes the steps that are left to do. Those of later plans are in the list, or added to it.
func (p *Progress) addPlan(plan Plan) {
	if len(p.Steps) == 0 && plan.Total > 0 {
		p.between = plan.Total
		for _, step := range plan.Steps {
			p.between -= step.Usual
		}
	}
	for i, step := range plan.Steps {
		listed := p.at(cmp.Or(step.Number, i+1))
		listed.StepStatus = StepStatus{Number: listed.Number, ID: step.ID, Title: step.Title, Reason: step.Reason,
			Added: step.Added, State: StepPending, Usual: step.Usual}
		listed.Conditional = step.Conditional
	}
}

// at returns the step with a number. The list grows up to it.
func (p *Progress) at(number int) *StepProgress {
	for len(p.Steps) < number {
		p.Steps = append(p.Steps, StepProgress{StepStatus: StepStatus{Number: len(p.Steps) + 1, State: StepPending}})
	}
	return &p.Steps[number-1]
}

func (p *Progress) addStep(event Event) {
	status := *event.Step
	step := p.at(max(status.Number, 1))
	if step.State == StepPending {
		step.Began = event.Time.Add(-status.Elapsed)
	}
	if step.StepStatus = status; status.State == StepSkipped {
		return
	}
	if p.began.IsZero() {
		p.began = step.Began
	}
	if n := len(step.Phases); status.Phase != "" && (n == 0 || step.Phases[n-1].Name != status.Phase) {
		step.Phases = append(step.Phases, PhaseProgress{status.Phase, event.Time})
	}
}

// Current is the running step; nil when there is none.
func (p *Progress) Current() *StepProgress {
	at := slices.IndexFunc(p.Steps, func(s StepProgress) bool { return s.State == StepRunning })
	if at < 0 {
		return nil
	}
	return &p.Steps[at]
}

// Count returns how many steps are in a state.
func (p *Progress) Count(state StepState) (n int) {
	for i := range p.Steps {
		if p.Steps[i].State == state {
			n++
		}
	}
	return n
}

// Begun reports whether a step was begun.
func (p *Progress) Begun() bool { return !p.began.IsZero() }

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

// RolledBack reports whether a VM got its name back, and nothing went wrong or on after that. If the rollback failed as
// well, the error has the details.
func (p *Progress) RolledBack() bool {
	placed := false
	for i := range p.Steps {
		switch step := &p.Steps[i]; {
		case step.State == StepPending, step.State == StepSkipped:
		case step.ID.RollsBack():
			if step.State != StepDone {
				return false
			}
			placed = placed || step.ID == StepRollbackPlace
		default:
			placed = false
		}
	}
	return placed
}

// least is the time that every step and the verification count for at least.
const least = time.Second

// Percent is how much of the work is done, as far as its time is known. It is 100 when the run has ended well, after
// the verification.
func (p *Progress) Percent(now time.Time) int {
	if p.finished {
		return 100
	}
	if len(p.Steps) == 0 {
		return 0
	}
	var done time.Duration
	between := max(p.between, least)
	all := between
	for i := range p.Steps {
		step := &p.Steps[i]
		usual := max(step.Usual, least)
		switch {
		case step.State == StepSkipped:
			continue
		case step.State == StepRunning: // one that takes longer than usual is never quite done
			done += min(now.Sub(step.Began), usual*95/100)
		case step.State != StepPending:
			done += usual
		}
		all += usual
	}
	done += min(p.besides(now), between*95/100)
	return max(0, min(99, int(100*done/all)))
}

// Left is how long the run still takes, as far as is known: 0 before there is a plan, and at the end.
func (p *Progress) Left(now time.Time) (left time.Duration) {
	if p.finished || len(p.Steps) == 0 {
		return 0
	}
	for i := range p.Steps {
		switch step := &p.Steps[i]; step.State {
		case StepPending:
			left += step.Usual
		case StepRunning:
			rest := max(step.Usual-now.Sub(step.Began), step.Usual/10)
			if step.Transfer != nil {
				rest = max(rest, step.Transfer.Left)
			}
			left += rest
		}
	}
	return left + max(0, p.between-p.besides(now))
}

// besides is how long the run was at work between its steps, since the first one.
func (p *Progress) besides(now time.Time) time.Duration {
	if p.began.IsZero() {
		return 0
	}
	besides := now.Sub(p.began)
	for i := range p.Steps {
		switch step := &p.Steps[i]; step.State {
		case StepRunning:
			besides -= now.Sub(step.Began)
		case StepDone, StepFailed:
			besides -= step.Elapsed
		}
	}
	return max(0, besides)
}
