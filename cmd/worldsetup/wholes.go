package main

import (
	"context"

	"github.com/atomize-hq/worldsetup/provision"
)

// restore brings the kept VM back.
func (a *app) restore(ctx context.Context, spec provision.Spec) error {
	return a.consented(ctx, spec, "bring the kept one back in its place", provision.Plan.RestoreLosses, engine.PlanRestore, func(setup provision.Setup) error {
		_, err := a.engine(setup).Restore(ctx)
		return err
	})
}

// remove takes the world away.
func (a *app) remove(ctx context.Context, spec provision.Spec) error {
	return a.consented(ctx, spec, "remove it", provision.Plan.RemoveLosses, engine.PlanRemove, func(setup provision.Setup) error {
		return a.engine(setup).Remove(ctx)
	})
}

// consented does what destroys. If it lacks consent, somebody who types is asked for the VM's name.
func (a *app) consented(
	ctx context.Context, spec provision.Spec, what string, fate func(provision.Plan) (lost, kept string),
	ahead func(engine, context.Context) (provision.Plan, error), act func(provision.Setup) error,
) error {
	face := a.face()
	setup := provision.Setup{Spec: spec, Events: face.show}
	err := act(setup)
	failure := provision.AsError(err)
	if failure == nil || failure.Kind != provision.KindReplacement || spec.Replace != "" || a.json != nil || a.silent || a.person.out == nil {
		return err
	}
	plan, err := ahead(a.engine(provision.Setup{Spec: spec}), ctx)
	if err != nil {
		return err
	}
	asker := newAsker(a.person, a.utf8)
	lost, kept := fate(plan)
	if setup.Spec.Replace, err = asker.named(ctx, lost, kept, spec.VM, what); err != nil || setup.Spec.Replace == "" {
		return orElse(err, failure)
	}
	setup.Approve = plan.Approve
	return act(setup)
}

// orElse is an error, or the one that stands without it.
func orElse(err error, failure *provision.Error) error {
	if err != nil {
		return err
	}
	return failure
}
