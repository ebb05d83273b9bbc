package provision

import "context"

// ChangedError is the error of [Plan.Approve] when the plan is no longer the one that was agreed to.
type ChangedError struct{ Plan Plan }

func (ChangedError) Error() string { return "the plan has changed" }

// Approve approves of the plan that a person has seen, and of no other: between the question and the first change
// another program may have changed the VM. It fits [Setup.Approve].
func (p Plan) Approve(_ context.Context, now Plan) error {
	if p.Same(now) {
		return nil
	}
	return &Error{
		Kind: KindInterrupted, What: "the plan is no longer the one that was agreed to",
		Next: "read the new plan; nothing has been changed", Err: ChangedError{now},
	}
}

// Same reports whether two plans do the same for the same reasons: a person agreed to what was shown.
func (p Plan) Same(other Plan) bool {
	if p.VM != other.VM || len(p.Steps) != len(other.Steps) {
		return false
	}
	for i := range p.Steps {
		if p.Steps[i].ID != other.Steps[i].ID || p.Steps[i].Reason != other.Steps[i].Reason {
			return false
		}
	}
	return true
}
