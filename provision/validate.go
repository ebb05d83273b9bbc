package provision

import (
	"context"
	"errors"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// check runs the prerequisites and returns the first one that failed as an error.
func (r *run) check(ctx context.Context, instance *limatype.Instance, findErr error) error {
	var first *Error
	results := checks.Run(ctx, r.edges.Checks(r.target.prerequisites(instance, findErr, r.lima)), func(result checks.Result) {
		r.events.emit(Event{Type: EventCheck, Check: &result})
	})
	for _, result := range results {
		if result.Outcome == Failed && first == nil {
			first = &Error{Kind: KindPrerequisite, What: result.Problem.What, Why: result.Problem.Why, Next: result.Problem.Next}
		}
	}
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if first != nil {
		return first
	}
	return nil
}

// validate finds out before the first change whether Lima would take what the plan is going to give it.
func (r *run) validate(ctx context.Context, state State, plan Plan) error {
	var profile []byte
	var err error
	switch {
	case plan.has(StepCreate), plan.has(StepReplaceCreate):
		if err := r.target.checkDigest(); err != nil {
			return err
		}
		profile, err = r.target.newProfile()
	case plan.has(StepConfigure):
		config := *state.Instance.Config
		r.target.wanted.Apply(&config)
		profile, err = lima.MarshalProfile(&config)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	err = r.lima.Validate(ctx, "", profile)
	if refused := (*lima.CommandError)(nil); errors.As(err, &refused) {
		return &Error{
			Kind: KindUsage, What: "Lima refuses the configuration that was asked for", Why: refused.Detail(),
			Next: "correct the profile or the flag that it names", Err: err,
		}
	}
	if err != nil {
		return limaError(ctx, "Lima could not check the configuration", err)
	}
	return nil
}
