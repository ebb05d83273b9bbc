package tui

import (
	"context"

	"github.com/atomize-hq/worldsetup/provision"
)

// changedPlan is the plan that was about to be carried out when it was not the one that was agreed to.
type changedPlan struct{ plan provision.Plan }

func (changedPlan) Error() string { return "the plan is another one now" }

// Agreed approves of the plan that a person has seen, and of no other: between the question and the first change somebody
// else may have been at work.
func Agreed(to provision.Plan) func(context.Context, provision.Plan) error {
	return func(_ context.Context, plan provision.Plan) error {
		if Same(to, plan) {
			return nil
		}
		return &provision.Error{
			Kind: provision.KindInterrupted, What: "what would be done is no longer what was agreed to",
			Next: "look at the new plan; nothing has been changed", Err: changedPlan{plan},
		}
	}
}

// Same says whether two plans do the same for the same reasons.
func Same(a, b provision.Plan) bool {
	if a.VM != b.VM || len(a.Steps) != len(b.Steps) {
		return false
	}
	for i := range a.Steps {
		if a.Steps[i].ID != b.Steps[i].ID || a.Steps[i].Reason != b.Steps[i].Reason {
			return false
		}
	}
	return true
}
