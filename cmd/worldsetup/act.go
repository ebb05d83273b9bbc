package main

import (
	"context"
	"strings"

	"github.com/atomize-hq/worldsetup/provision"
)

// face shows the events of a run to somebody. There are the plain and the JSON face; a wizard will be the third.
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
	return refusal(plan)
}

// planObject is the JSON form of a plan on its own.
type planObject struct {
	Schema int `json:"schema"`
	provision.Plan
}

// refusal is the error of a plan that could not be carried out.
func refusal(plan provision.Plan) error {
	switch {
	case plan.Blocked != nil:
		return plan.Blocked
	case len(plan.Replace) > 0:
		return &provision.Error{
			Kind: provision.KindReplacement,
			What: "the VM " + plan.VM + " would have to be replaced by another one",
			Why:  strings.Join(plan.Replace, "\n"),
			Next: "ask for what it has, or leave it alone and make another one: --vm NAME",
		}
	}
	return nil
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
