package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/crash"
	"github.com/atomize-hq/worldsetup/provision"
)

// prompter asks a user who types each answer as a line.
type prompter struct {
	to      *lines
	out     io.Writer
	in      *bufio.Scanner
	typed   chan string // closed at the end of the input
	reading bool        // a read is under way
	changed bool        // something was changed before the question
}

func newPrompter(at terminal, utf8 bool) *prompter {
	return &prompter{to: newLines(at.out, utf8), out: at.out, in: bufio.NewScanner(at.in), typed: make(chan string, 1)}
}

// read reads one line. A read can't be cancelled: one that is still under way counts for the next question. Between
// questions nothing is read, since sudo may ask for a password there.
func (p *prompter) read() {
	if p.reading {
		return
	}
	p.reading = true
	go crash.Guard(func() {
		if p.in.Scan() {
			p.typed <- strings.TrimSpace(p.in.Text())
		} else {
			close(p.typed)
		}
	})()
}

// ask asks and returns what was typed. Without an answer it returns an error.
func (p *prompter) ask(ctx context.Context, question string) (string, error) {
	if _, err := io.WriteString(p.out, p.to.clean(question)+" "); err != nil {
		return "", p.noAnswer(err)
	}
	p.read()
	select {
	case answer, ok := <-p.typed:
		if !ok { // for good
			p.to.write("")
			return "", provision.Declined(p.noAnswer(io.EOF))
		}
		p.reading = false
		return answer, nil
	case <-ctx.Done():
		p.to.write("") // the question has no end of its line
		failure := p.noAnswer(context.Cause(ctx))
		if received, ok := errors.AsType[signalError](context.Cause(ctx)); ok && received.Signal == syscall.SIGINT {
			return "", provision.Declined(failure)
		}
		return "", failure
	}
}

// askName shows what will be deleted and what is kept, and asks for the VM's name as the consent to that. The name is
// empty when something else was typed.
func (p *prompter) askName(ctx context.Context, lost, kept, vm, purpose string) (name string, err error) {
	p.to.put("will be deleted: ", "                 ", lost)
	return p.askNameOnly(ctx, kept, vm, purpose)
}

// askNameOnly shows what is kept and asks for the VM's name.
func (p *prompter) askNameOnly(ctx context.Context, kept, vm, purpose string) (name string, err error) {
	p.to.put("kept: ", "      ", kept)
	name, err = p.ask(ctx, "type the name of the VM, "+vm+", to "+purpose+"; anything else leaves the VM alone:")
	if err != nil || name == vm {
		return name, err
	}
	if name != "" {
		p.to.printf("%s is not the name of the VM", name)
	}
	return "", nil
}

func isYes(answer string) bool {
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes")
}

// errChanged marks the error of who stops after something was changed.
var errChanged = errors.New("something was changed before")

// noAnswer is the error of a question that err ended.
func (p *prompter) noAnswer(err error) *provision.Error {
	failure := &provision.Error{
		Kind: provision.KindInterrupted, What: "stopped; nothing was changed", Why: err.Error(),
		Next: "run worldsetup again; --non-interactive never asks", Err: err,
	}
	if p.changed {
		failure.What, failure.Err = "stopped; finished steps are kept", errors.Join(errChanged, err)
	}
	return failure
}

// conversation is a run in lines with prompts. It asks what the wizard asks.
type conversation struct {
	*prompter
	spec   provision.Spec
	face   face
	engine func(provision.Setup) engine
	fix    func(ctx context.Context, check string, in io.Reader, out io.Writer) error
	at     terminal

	end    *provision.Event // the last one of the last run: shown unless a question follows
	failed []checks.Result  // prerequisites of the last run that can be fixed
	typed  string           // the VM's name, as the consent to its replacement
	agreed *provision.Plan  // the plan that the consent is for
	deeper *provision.Plan  // a later plan of a run, which interrupts more than was agreed to before, and was agreed to
}

// errChoose means that the user wants to change the choices before the run goes on.
var errChoose = errors.New("the choices are to be changed")

// run runs the engine until there is nothing more to ask.
func (c *conversation) run(ctx context.Context) error {
	for {
		c.failed = nil
		_, err := c.engine(c.setup(c.typed)).Run(ctx)
		again := false
		switch {
		case err == nil:
		case ctx.Err() != nil:
		case errors.Is(err, errChoose):
			again, err = true, c.choose(ctx)
		case kindOf(err) == provision.KindDisruption:
			again, err = c.goDeeper(ctx, err)
		case kindOf(err) == provision.KindReplacement && c.typed == "":
			again, err = c.replace(ctx, err)
		case provision.IsForeign(err) && c.spec.Adopt == "":
			again, err = c.adopt(ctx, err)
		case kindOf(err) == provision.KindPrerequisite && len(c.failed) > 0:
			again, err = c.fixFailed(ctx, err)
		}
		if !again {
			if provision.IsDeclined(err) {
				return c.declined(err)
			}
			if c.end != nil {
				c.face.show(*c.end)
			}
			return err
		}
		if err != nil {
			return err
		}
	}
}

// declined returns the error of who said no, with whether something was changed before.
func (c *conversation) declined(err error) error {
	failure := *provision.AsError(err)
	if c.changed {
		failure.Err = errors.Join(errChanged, failure.Err)
	}
	return &failure
}

func (c *conversation) setup(replace string) provision.Setup {
	spec := c.spec
	spec.Replace = replace
	if c.deeper != nil {
		spec.Allow = c.deeper.Disruption()
	}
	return provision.Setup{Spec: spec, Events: c.show, Approve: c.approve}
}

// show shows an event, and collects the checks that can be fixed.
func (c *conversation) show(event provision.Event) {
	if event.Check != nil && event.Check.Outcome == checks.Failed && event.Check.Fix != nil {
		c.failed = append(c.failed, *event.Check)
	}
	if event.Type == provision.EventFinished {
		c.end = &event
		return
	}
	c.face.show(event)
}

// approve asks whether to go ahead. A replacement was approved before, with its plan.
func (c *conversation) approve(ctx context.Context, plan provision.Plan) error {
	if c.agreed != nil && c.agreed.Same(plan) {
		return nil
	}
	if c.deeper != nil {
		return c.deeper.ApproveUpTo(ctx, plan)
	}
	if plan.Destroys() && (c.typed == "" || c.agreed != nil) { // a consent is to one plan; a flag's is to any
		return c.approveReplacement(ctx, plan)
	}
	answer, err := c.ask(ctx, "go ahead? [y/N, or c to change the choices]")
	switch {
	case err != nil:
		return err
	case isYes(answer):
		return nil
	case answer == "c":
		return &provision.Error{Kind: provision.KindInterrupted, What: errChoose.Error(), Err: errChoose}
	}
	return provision.DeclinedError()
}

// goDeeper asks whether the run may interrupt more than was agreed to. Without that, the error stays.
func (c *conversation) goDeeper(ctx context.Context, failure error) (again bool, err error) {
	deeper, ok := errors.AsType[provision.DeeperError](failure)
	if !ok {
		return false, failure
	}
	c.changed = true
	c.to.printf("This interrupts more than you agreed to: %s", provision.AsError(failure).Why)
	answer, err := c.ask(ctx, "go ahead? [y/N]")
	switch {
	case err != nil && !provision.IsDeclined(err):
		return false, err
	case err != nil, !isYes(answer):
		return false, provision.Declined(failure)
	}
	c.deeper = &deeper.Plan
	return true, nil
}

// replace shows the plan of a replacement, and asks for the VM's name. Without it, the error stays.
func (c *conversation) replace(ctx context.Context, failure error) (again bool, err error) {
	setup := c.setup(c.spec.VM)
	setup.Events = nil // the plan is shown here, and all else was shown before
	plan, err := c.engine(setup).Plan(ctx)
	if err != nil || len(plan.Steps) == 0 {
		return false, failure // there is no such plan
	}
	showGets(c.to, plan)
	showPlan(c.to, plan, "")
	err = c.approveReplacement(ctx, plan)
	switch {
	case err == nil:
		c.typed, c.agreed = c.spec.VM, &plan
		return true, nil
	case kindOf(err) == provision.KindInterrupted:
		return false, err
	}
	return false, provision.Declined(failure)
}

// adopt shows the plan that adopts a foreign VM, and asks for the VM's name. Without it, the error stays.
func (c *conversation) adopt(ctx context.Context, failure error) (again bool, err error) {
	setup := c.setup(c.typed)
	setup.Spec.Adopt, setup.Events = c.spec.VM, nil
	plan, err := c.engine(setup).Plan(ctx)
	if err != nil || len(plan.Steps) == 0 {
		return false, failure
	}
	c.to.put("", "  ", provision.AsError(failure).Error())
	showGets(c.to, plan)
	showPlan(c.to, plan, "")
	changed, kept := plan.Adoption()
	c.to.put("will be changed: ", "                 ", changed)
	name, err := c.askNameOnly(ctx, kept, plan.VM, "turn it into a world")
	if err != nil || name != plan.VM {
		return false, cmp.Or(err, error(provision.Declined(failure)))
	}
	c.spec.Adopt, c.agreed = name, &plan
	return true, nil
}

// approveReplacement asks for the VM's name as the consent to its replacement.
func (c *conversation) approveReplacement(ctx context.Context, plan provision.Plan) error {
	lost, kept := plan.Losses()
	name, err := c.askName(ctx, lost, kept, plan.VM, "replace it")
	if err != nil || name == plan.VM {
		return err
	}
	return provision.Declined(&provision.Error{
		Kind: provision.KindReplacement, What: "the VM " + plan.VM + " was not replaced: there was no consent",
		Next: "run worldsetup again",
	})
}

// fixFailed offers to fix what failed. Otherwise the error stays.
func (c *conversation) fixFailed(ctx context.Context, failure error) (again bool, err error) {
	for _, check := range c.failed {
		c.to.printf("to fix %s, worldsetup can run: %s", check.Title, check.Fix)
		answer, err := c.ask(ctx, "run it? [y/N]")
		if err != nil {
			return false, err
		}
		if !isYes(answer) {
			return false, provision.Declined(failure)
		}
		c.changed = true
		if c.fix(ctx, check.ID, c.at.in, c.at.out) != nil { // it shows why
			return false, failure
		}
	}
	return true, nil
}

// choose asks for each of the choices.
func (c *conversation) choose(ctx context.Context) error {
	c.to.printf("An empty answer keeps the value in [brackets]; - keeps the VM's value, or the default in a new VM.")
	choices := choicesOf(c.spec)
	for _, choice := range choicesIn(&choices) {
		if choice.question == "" {
			continue
		}
		if err := c.chooseOne(ctx, &choices, choice); err != nil {
			return err
		}
	}
	var err error
	c.spec, err = withChoices(c.spec, choices)
	return err
}

// chooseOne asks for a choice in choices until the answer is valid.
func (c *conversation) chooseOne(ctx context.Context, choices *provision.Choices, choice choosable) error {
	for {
		before := *choice.text
		answer, err := c.ask(ctx, choice.question+" ["+before+"]:")
		if err != nil || answer == "" {
			return err
		}
		*choice.text = answer
		if answer == "-" {
			*choice.text = ""
		}
		note := validateChoices(c.spec, *choices)[choice.field]
		if !note.Wrong {
			return nil
		}
		c.to.printf("not possible: %s", note.Text)
		*choice.text = before
	}
}
