package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

const checkLong = `Looks whether this machine can hold the world: each check says what it found, and what to do when that will not do.
Nothing is changed, unless --fix says so. docs/checks.md describes all of them; --list names them.

The project is the working directory, or that of the VM; --project names another one. What worldsetup.yaml keeps counts here, too.`

// checker is the engine as far as checks go.
type checker interface {
	Checks(context.Context) ([]checks.Check, error)
}

// checkCommand checks the prerequisites, all of them or those that are named.
func (a *app) checkCommand() *cobra.Command {
	command := &cobra.Command{Use: "check [ID...]", Short: "look whether this machine can hold the world, and mend what can be", Long: checkLong}
	flags := command.Flags()
	flags.SortFlags = false
	project := flags.String("project", "", "the project directory")
	fix := flags.Bool("fix", false, "mend what has failed, each by the command that is shown first")
	list := flags.Bool("list", false, "name the checks, and look at nothing")
	choices := newChoices(flags, a.getenv, settings())
	flags.Bool("json", false, "one JSON object, for scripts")
	command.RunE = func(command *cobra.Command, ids []string) error {
		if err := a.settleFace(command); err != nil {
			return err
		}
		if *fix && *list {
			return usage("leave one of them out", "--fix and --list exclude each other")
		}
		spec, answers, err := choices.spec(*project)
		if err != nil {
			return err
		}
		wanted, err := a.checksFor(command.Context(), spec, ids)
		if err != nil {
			return blame(answers, err)
		}
		if *list {
			a.listChecks(wanted)
			return nil
		}
		return a.check(command.Context(), wanted, *fix)
	}
	return command
}

// checksFor are the checks of spec that ids name.
func (a *app) checksFor(ctx context.Context, spec provision.Spec, ids []string) ([]checks.Check, error) {
	engine, ok := a.engine(provision.Setup{Spec: spec}).(checker)
	if !ok {
		return nil, fmt.Errorf("this engine has no checks")
	}
	all, err := engine.Checks(ctx)
	if err != nil {
		return nil, err
	}
	picked, err := checks.Pick(all, ids)
	if err != nil {
		return nil, usage("name some of these: "+checks.IDs(all), "%v", err)
	}
	return picked, nil
}

// check looks, mends if fix says so, and tells the outcome.
func (a *app) check(ctx context.Context, wanted []checks.Check, fix bool) error {
	results := checks.Run(ctx, wanted, nil)
	if fix && ctx.Err() == nil && a.mend(ctx, wanted, results) {
		results = checks.Run(ctx, wanted, nil) // what waited for the mended ones as well
	}
	if ctx.Err() != nil {
		return &provision.Error{
			Kind: provision.KindInterrupted, What: "the checks were interrupted", Why: context.Cause(ctx).Error(),
			Next: "run worldsetup check again", Err: context.Cause(ctx),
		}
	}
	a.showChecks(results)
	failure := unready(results)
	if told := provision.AsError(failure); told != nil && a.json == nil {
		a.told = append(a.told, *told) // line by line
	}
	return failure
}

// unready is the error of a machine on which a check has failed: its remedies are all there is to read.
func unready(results []checks.Result) error {
	blocking := checks.Blocking(results)
	if len(blocking) == 0 {
		return nil
	}
	failure := &provision.Error{Kind: provision.KindPrerequisite, What: fmt.Sprintf("this machine is not ready: %s failed", count(len(blocking), "check"))}
	var whys, nexts []string
	for _, result := range blocking {
		whys = append(whys, result.ID+": "+result.Problem.What)
		if result.Problem.Next != "" {
			nexts = append(nexts, result.Problem.Next)
		}
		if result.Fix != nil {
			nexts = append(nexts, "  or let worldsetup do it: worldsetup check --fix "+result.ID)
		}
	}
	failure.Why, failure.Next = strings.Join(whys, "\n"), strings.Join(nexts, "\n")
	return failure
}
