package main

import (
	"context"
	"errors"
	"io"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

// conversation is a run in lines, with somebody who types: what the wizard asks is asked here.
type conversation struct {
	*asker
	spec   provision.Spec
	face   face
	engine func(provision.Setup) engine
	fix    func(ctx context.Context, check string, in io.Reader, out io.Writer) error
	at     terminal

	failed []checks.Result // prerequisites of the last run with a fix
	typed  string          // the VM's name, when its replacement was consented to
	agreed *provision.Plan // the plan that was consented to by that
}

// errOther is the answer of somebody who wants to choose before the run goes on.
var errOther = errors.New("something else is wanted")

// run runs until there is nothing more to ask.
func (c *conversation) run(ctx context.Context) error {
	for {
		c.failed = nil
		_, err := c.engine(c.setup(c.typed)).Run(ctx)
		failure := provision.AsError(err)
		again := false
		switch {
		case failure == nil:
			return nil
		case ctx.Err() != nil:
		case errors.Is(err, errOther):
			again, err = true, c.choose(ctx)
		case failure.Kind == provision.KindReplacement && c.typed == "":
			again, err = c.replace(ctx, err)
		case failure.Kind == provision.KindPrerequisite && len(c.failed) > 0:
			again, err = c.mend(ctx, err)
		}
		if !again || err != nil {
			return err
		}
	}
}

func (c *conversation) setup(replace string) provision.Setup {
	spec := c.spec
	spec.Replace = replace
	return provision.Setup{Spec: spec, Events: c.show, Approve: c.approve}
}

// show shows an event and keeps what could be fixed.
func (c *conversation) show(event provision.Event) {
	if event.Check != nil && event.Check.Outcome == checks.Failed && event.Check.Fix != nil {
		c.failed = append(c.failed, *event.Check)
	}
	c.face.show(event)
}

// approve asks whether to go ahead. A replacement was consented to before, together with its plan.
func (c *conversation) approve(ctx context.Context, plan provision.Plan) error {
	if c.agreed != nil && c.agreed.Same(plan) {
		return nil
	}
	if c.typed == "" && plan.Destroys() {
		return c.named(ctx, plan)
	}
	answer, err := c.ask(ctx, "go ahead? [y/N, or c to change the choices]")
	switch {
	case err != nil:
		return err
	case isYes(answer):
		return nil
	case answer == "c":
		return &provision.Error{Kind: provision.KindInterrupted, What: "the choices are changed first", Err: errOther}
	}
	return declined()
}

func declined() *provision.Error {
	return &provision.Error{
		Kind: provision.KindInterrupted, What: "it was left before anything was changed",
		Next: "run worldsetup again; `worldsetup plan` prints what it would do",
	}
}

// replace shows what a replacement would do, and asks for the VM's name. Without it, why stands.
func (c *conversation) replace(ctx context.Context, why error) (again bool, err error) {
	setup := c.setup(c.spec.VM)
	setup.Events = nil // the plan is shown here, and was preceded by everything else
	plan, err := c.engine(setup).Plan(ctx)
	if err != nil || len(plan.Steps) == 0 {
		return false, why // there is no such plan
	}
	showPlan(c.to, plan, "")
	if err := c.named(ctx, plan); err != nil {
		if provision.AsError(err).Kind == provision.KindInterrupted {
			return false, err
		}
		return false, why
	}
	c.typed, c.agreed = c.spec.VM, &plan
	return true, nil
}

// named asks for the VM's name as the consent to its replacement.
func (c *conversation) named(ctx context.Context, plan provision.Plan) error {
	lost, kept := plan.Losses()
	name, err := c.asker.named(ctx, lost, kept, plan.VM, "replace it")
	if err != nil || name == plan.VM {
		return err
	}
	return &provision.Error{Kind: provision.KindReplacement, What: "the VM " + plan.VM + " was not replaced: nobody consented", Next: "run worldsetup again"}
}

// mend offers to fix what is missing. Without that, why stands.
func (c *conversation) mend(ctx context.Context, why error) (again bool, err error) {
	for _, check := range c.failed {
		c.to.printf("to fix %s, this would be run: %s", check.Title, check.Fix)
		yes, err := c.agrees(ctx, "run it?")
		if err != nil {
			return false, err
		}
		if !yes {
			return false, why
		}
		if err := c.fix(ctx, check.ID, c.at.in, c.at.out); err != nil {
			c.to.printf("it did not help: %v", err)
			return false, why
		}
	}
	return true, nil
}
