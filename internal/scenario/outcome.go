package scenario

import "github.com/atomize-hq/worldsetup/provision"

// Outcome is the outcome of a run or a report.
type Outcome struct {
	Steps      []provision.StepID   // those that were started, in order
	Plans      [][]provision.StepID // each plan, in order
	Health     provision.Health     // the last one
	Disruption provision.Disruption // the deepest of the plans
	Err        *provision.Error     // nil when the world is ready
}

// Take adds an event of the run.
func (o *Outcome) Take(event provision.Event) {
	switch event.Type {
	case provision.EventPlan:
		o.Plans = append(o.Plans, ids(*event.Plan))
		if disruption := event.Plan.Disruption(); disruption.Above(o.Disruption) {
			o.Disruption = disruption
		}
	case provision.EventStep:
		if event.Step.State == provision.StepRunning {
			o.Steps = append(o.Steps, event.Step.ID)
		}
	case provision.EventHealth:
		o.Health = *event.Health
	case provision.EventFinished:
		o.Err = event.Result.Error
	}
}

func ids(plan provision.Plan) []provision.StepID {
	steps := []provision.StepID{}
	for _, step := range plan.Steps {
		steps = append(steps, step.ID)
	}
	return steps
}
