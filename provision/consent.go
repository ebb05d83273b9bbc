package provision

import (
	"cmp"
	"context"
)

// consent is what the caller of a run agrees to.
type consent struct {
	allow      Disruption // of the Spec: agreed to without asking
	approve    func(context.Context, Plan) error
	trustUnits func(context.Context, ProjectUnits) error
	// agreed is the deepest disruption that the run may cause; empty before the first plan was agreed to.
	agreed Disruption
}

// ask asks the caller before the first change, and never again: a plan that interrupts more than was agreed to ends
// the run.
func (c *consent) ask(ctx context.Context, plan Plan) error {
	if plan.Empty() {
		return nil
	}
	if err := c.trusts(ctx, plan); err != nil {
		return err
	}
	agreed := cmp.Or(c.agreed, c.allow)
	if agreed != "" && plan.disturbs().Above(agreed) && !plan.Destroys() {
		return beyondConsent(plan)
	}
	if c.agreed != "" {
		return nil
	}
	if c.approve != nil {
		if err := c.approve(ctx, plan); err != nil {
			return err
		}
	}
	if c.agreed = cmp.Or(agreed, plan.Disruption()); plan.disturbs() == "" || plan.Destroys() {
		c.agreed = DisruptionForce // nothing runs in it that was there before
	}
	return nil
}

// trusts asks whether the units that a plan would install are trusted.
func (c *consent) trusts(ctx context.Context, plan Plan) error {
	switch units := plan.Units; {
	case units == nil || !plan.has(StepUnits):
		return nil
	case units.Fault != nil:
		return units.Fault
	case c.trustUnits == nil:
		return UntrustedUnits(*units, "")
	default:
		return c.trustUnits(ctx, *units)
	}
}
