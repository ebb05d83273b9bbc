package main

import (
	"context"
	"io"

	"github.com/atomize-hq/worldsetup/checks"
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
	face := newPlainFace(newLines(a.out, a.utf8))
	face.told = func(problem checks.Problem) { a.told = append(a.told, problem) }
	return face
}

// setUp makes the world, and keeps the choices if that was asked for.
func (a *app) setUp(ctx context.Context, spec provision.Spec, answers []answer) error {
	if !a.save {
		return a.carryOut(ctx, spec, func(provision.Choices) {})
	}
	saving, err := a.newSaving(spec, answers)
	if err != nil {
		return err
	}
	return a.end(saving, a.carryOut(ctx, spec, func(c provision.Choices) { saving.chosen = c }))
}

// carryOut makes the world at the face that fits. What somebody chooses is told.
func (a *app) carryOut(ctx context.Context, spec provision.Spec, chosen func(provision.Choices)) error {
	if a.draws() {
		return a.wizard(ctx, a.wizardFor(spec, chosen))
	}
	return a.lines(ctx, spec, a.engine, a.fixer(spec), chosen)
}

// lines makes the world in lines, and asks if there is somebody to answer.
func (a *app) lines(
	ctx context.Context, spec provision.Spec, engine func(provision.Setup) engine, fix func(context.Context, string, io.Reader, io.Writer) error,
	chosen func(provision.Choices),
) error {
	if a.json != nil || a.silent || a.person.out == nil {
		_, err := engine(provision.Setup{Spec: spec, Events: a.face().show}).Run(ctx)
		return err
	}
	c := conversation{asker: newAsker(a.person, a.utf8), spec: spec, typed: spec.Replace, face: a.face(), engine: engine, fix: fix, at: a.person}
	err := c.run(ctx)
	chosen(choicesOf(c.spec))
	return err
}

// plan prints what setUp would do.
func (a *app) plan(ctx context.Context, spec provision.Spec, answers []answer) error {
	plan, err := a.engine(provision.Setup{Spec: spec}).Plan(ctx)
	if err != nil {
		return err
	}
	if a.json != nil {
		if plan.Steps == nil {
			plan.Steps = []provision.Step{} // for readers that count them
		}
		a.json.answer(planObject{provision.Schema, plan, settled(spec, answers, plan)})
	} else {
		to := newLines(a.out, a.utf8)
		showPlan(to, plan, "nothing to change")
		showSettled(to, settled(spec, answers, plan))
	}
	return plan.Err()
}

// planObject is the JSON form of a plan on its own.
type planObject struct {
	Schema int `json:"schema"`
	provision.Plan
	Settings []settlement `json:"settings"`
}

// status proves the world as it is and prints what was found.
func (a *app) status(ctx context.Context, spec provision.Spec) error {
	health, err := a.engine(provision.Setup{Spec: spec}).Status(ctx)
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
		return a.engine(provision.Setup{Spec: spec, Events: a.json.show}).Watch(ctx, func(provision.Health) {})
	}
	to := newLines(a.out, a.utf8)
	return a.engine(provision.Setup{Spec: spec}).Watch(ctx, func(health provision.Health) { showChange(to, health) })
}
