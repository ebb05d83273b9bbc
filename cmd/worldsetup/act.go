package main

import (
	"context"

	"github.com/atomize-hq/worldsetup/provision"
)

// face shows the events of a run to somebody: the plain and the JSON face. The third, the wizard, reads them in package tui.
type face interface {
	show(provision.Event)
}

// face is the one that the flags ask for.
func (a *app) face() face {
	if a.json != nil {
		return a.json
	}
	return newPlainFace(newLines(a.out, a.utf8))
}

// setUp makes the world.
func (a *app) setUp(ctx context.Context, spec provision.Spec) error {
	if a.draws() {
		return a.wizard(ctx, a.wizardFor(spec))
	}
	_, err := a.engine(spec, a.face().show).Run(ctx)
	return err
}

// plan prints what setUp would do.
func (a *app) plan(ctx context.Context, spec provision.Spec) error {
	plan, err := a.engine(spec, nil).Plan(ctx)
	if err != nil {
		return err
	}
	if a.json != nil {
		if plan.Steps == nil {
			plan.Steps = []provision.Step{} // for readers that count them
		}
		a.json.answer(planObject{provision.Schema, plan})
	} else {
		showPlan(newLines(a.out, a.utf8), plan, "nothing to change")
	}
	return plan.Err()
}

// planObject is the JSON form of a plan on its own.
type planObject struct {
	Schema int `json:"schema"`
	provision.Plan
}

// status proves the world as it is and prints what was found.
func (a *app) status(ctx context.Context, spec provision.Spec) error {
	health, err := a.engine(spec, nil).Status(ctx)
	if health.Schema == 0 { // nothing was found out
		return err
	}
	if a.json != nil {
		a.json.answer(health)
	} else {
		showHealth(newLines(a.out, a.utf8), health)
	}
	return err
}

// watch tells of the world whenever it changes, until somebody ends it.
func (a *app) watch(ctx context.Context, spec provision.Spec) error {
	if a.json != nil {
		return a.engine(spec, a.json.show).Watch(ctx, func(provision.Health) {})
	}
	to := newLines(a.out, a.utf8)
	return a.engine(spec, nil).Watch(ctx, func(health provision.Health) { showChange(to, health) })
}
