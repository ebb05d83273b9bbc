package provision

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// consent is what the caller of a run agrees to.
type consent struct {
	allow      Disruption // of the Spec: agreed to without asking
	approve    func(context.Context, Plan) error
	trustUnits func(context.Context, ProjectUnits) error
	// agreed is the deepest disruption that the run may cause; empty before the first plan was agreed to.
	agreed Disruption
}

// askCaller asks the caller before the first change, and never again: a plan that interrupts more than was agreed to
// ends the run.
func (c *consent) askCaller(ctx context.Context, plan Plan) error {
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

// needsConsent is the error of a plan that does away with a VM, to which that needs consent.
func needsConsent(plan Plan, command, flag string) *Error {
	var why string
	for _, step := range plan.Steps {
		if step.Destroys {
			why = fmt.Sprintf("the step %q destroys a VM and all that is in it", step.Title)
		}
	}
	if why == "" {
		why = "programs that run in it would be stopped"
	}
	return &Error{
		Kind: KindReplacement, What: fmt.Sprintf("the VM %s would be deleted or replaced, and that needs consent",
			plan.VM), Why: why,
		Next: "if that is what you want: " + consentCommand("worldsetup "+command, flag, plan.VM),
	}
}

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

// DeeperError is the error of a run whose later plan would interrupt more than was agreed to. A run with
// [Spec.Allow] set to the plan's disruption goes on.
type DeeperError struct{ Plan Plan }

func (DeeperError) Error() string { return "the plan interrupts more than was agreed to" }

// ApproveUpTo approves of every plan that interrupts no more than p, which a person has agreed to, and destroys
// nothing.
func (p Plan) ApproveUpTo(ctx context.Context, now Plan) error {
	if p.VM == now.VM && !now.Destroys() && !now.Disruption().Above(p.Disruption()) {
		return nil
	}
	return p.Approve(ctx, now)
}

// beyondConsent is the error of a plan that interrupts more than was agreed to.
func beyondConsent(plan Plan) *Error {
	failure := &Error{
		Kind: KindDisruption, What: "going on would interrupt more than was agreed to",
		Next: "if that is all right: " + vmCommand("worldsetup", plan.VM) + " --allow=" + plan.Disruption().Word(),
		Err:  DeeperError{plan},
	}
	for _, step := range plan.Steps {
		if step.Disruption == plan.Disruption() {
			failure.Why = fmt.Sprintf("the step %q %s: %s", step.Title, levels[step.Disruption.level()].effect, step.Reason)
			break
		}
	}
	return failure
}

// Same reports whether two plans do the same for the same reasons: a person agreed to what was shown.
func (p Plan) Same(other Plan) bool {
	if p.VM != other.VM || len(p.Steps) != len(other.Steps) ||
		!slices.Equal(p.Opens, other.Opens) || p.HomeLeftOut != other.HomeLeftOut {
		return false
	}
	for i := range p.Steps {
		a, b := p.Steps[i], other.Steps[i]
		later := a.later && b.later // how much the project has changed by now
		if a.ID != b.ID || a.Reason != b.Reason && !later || a.Disruption != b.Disruption || a.Destroys != b.Destroys {
			return false
		}
	}
	return true
}

// UntrustedUnits returns the error of units that no one has trusted, or of ones that are not those that before, a
// digest, is of.
func UntrustedUnits(units ProjectUnits, before string) *Error {
	what := "the project brings units for systemd that are not trusted yet"
	if before != "" {
		what = "the units for systemd that the project brings have changed since you trusted them"
	}
	why := append([]string{"they are run as root in the VM: " + strings.Join(units.Files, ", ")}, units.Warnings...)
	return &Error{
		Kind: KindUsage, What: what, Why: strings.Join(why, "\n"),
		Next: "read them, then: worldsetup trust " + shellescape.Quote(units.Project) + "; then run worldsetup again",
	}
}
