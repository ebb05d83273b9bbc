package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

const checkLong = `check checks this machine's prerequisites: each check prints what it found, and what to do if that
isn't enough. It changes nothing without --fix. docs/checks.md describes all checks; --list names them.

The project is the working directory, or that of the VM; --project names another one. worldsetup.yaml counts, too.`

// checkCommand returns the command that checks the prerequisites, all or those that are named.
func (a *app) checkCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "check [ID...]", Short: "check this machine's prerequisites; --fix repairs what it can", Long: checkLong,
		Example: examples("worldsetup check", "worldsetup check -v", "worldsetup check --fix limactl qemu"),
	}
	flags := command.Flags()
	flags.String("project", "", "the project is in `DIR`")
	var how fixing
	fix := flags.Bool("fix", false, "fix what failed; shows each command, and asks before it runs")
	flags.BoolVar(&how.yes, "yes", false, "with --fix: do not ask")
	flags.BoolVar(&how.dryRun, "dry-run", false, "with --fix: show the commands without running them")
	list := flags.Bool("list", false, "list the checks without running them")
	command.Args = func(*cobra.Command, []string) error {
		switch {
		case *fix && *list:
			return usage("leave one of them out", "--fix and --list exclude each other")
		case how.yes && how.dryRun:
			return usage("leave one of them out", "--yes and --dry-run exclude each other")
		case !*fix && how != (fixing{}):
			return usage("add --fix", "--yes and --dry-run need --fix")
		}
		return nil
	}
	in := &inputs{options: runOptions(), unused: append([]string{"netfilter", "timeout"}, changing...)}
	return a.withOptions(command, in, func(ctx context.Context, c invocation) error {
		if *fix && !how.dryRun {
			var err error
			if c, err = a.requireTrust(ctx, c); err != nil {
				return err
			}
		} else {
			a.noteTrust(c)
		}
		selected, err := a.checksFor(ctx, c.spec, c.args)
		if err != nil {
			return err
		}
		if *list {
			a.listChecks(selected)
			return nil
		}
		a.verbose = a.verbose || len(c.args) > 0
		if !*fix {
			return a.check(ctx, selected, nil)
		}
		return a.check(ctx, selected, &how)
	})
}

// checksFor returns the checks for spec that ids name; all without ids.
func (a *app) checksFor(ctx context.Context, spec provision.Spec, ids []string) ([]checks.Check, error) {
	all, err := a.engine(provision.Setup{Spec: spec}).Checks(ctx)
	if err != nil {
		return nil, err
	}
	selected, err := checks.Pick(all, ids)
	if err != nil {
		return nil, usage("name some of these: "+checks.IDs(all), "%v", err)
	}
	return selected, nil
}

// fixing is how failed checks are fixed.
type fixing struct {
	yes    bool // without a question
	dryRun bool // nothing is run
}

// check runs the checks, fixes what failed if fix is set, and shows the results.
func (a *app) check(ctx context.Context, selected []checks.Check, fix *fixing) error {
	results := checks.Run(ctx, selected, nil)
	if fix != nil && ctx.Err() == nil {
		tried, err := a.fixFailed(ctx, selected, results, *fix)
		if err != nil {
			return err
		}
		if tried {
			results = checks.Run(ctx, selected, nil) // those that waited for the fixed ones as well
		}
	}
	if ctx.Err() != nil {
		return &provision.Error{
			Kind: provision.KindInterrupted, What: "the checks were interrupted", Why: context.Cause(ctx).Error(),
			Next: "run worldsetup check again", Err: context.Cause(ctx),
		}
	}
	if a.json != nil {
		a.json.result(checksObject{provision.Schema, results})
	} else {
		to := a.stdout()
		to.words = !a.color && !isTerminal(a.streams.Out)
		showChecks(to, selected, results, a.verbose)
		a.shown = !a.quiet
	}
	return checkError(selected, results)
}

// checkError returns the error of a machine on which a check failed. It repeats all problems for readers of standard
// error.
func checkError(list []checks.Check, results []checks.Result) error {
	blocking := checks.Causes(list, results)
	if len(blocking) == 0 {
		return nil
	}
	var why, next []string
	for _, result := range blocking {
		why = append(why, result.ID+": "+result.Found)
		if result.Next != "" {
			next = append(next, result.Next)
		}
		if result.Fix != nil {
			next = append(next, "  or let worldsetup do it: worldsetup check --fix "+result.ID)
		}
	}
	return &provision.Error{
		Kind: provision.KindPrerequisite, What: "this machine is not ready: " +
			plaintext.Count(len(blocking), "check") + " failed",
		Why: strings.Join(why, "\n"), Next: strings.Join(next, "\n"),
	}
}

// fixFailed applies the fixes of the failed checks, in order, as far as a person agrees to each, and reports whether
// any was tried. What it does goes to standard error when standard output is for scripts.
func (a *app) fixFailed(
	ctx context.Context, selected []checks.Check, results []checks.Result, how fixing,
) (tried bool, err error) {
	to := a.stdout()
	if a.json != nil {
		to = a.errors
	}
	var person *prompter
	for i, result := range results {
		if result.Outcome != checks.Failed || result.Fix == nil || ctx.Err() != nil {
			continue
		}
		if how.dryRun {
			to.printf("would fix %s by: %s", result.Title, result.Fix)
			continue
		}
		if !how.yes {
			if a.person.out == nil {
				return tried, usage("let it run without a question: worldsetup check --fix --yes "+result.ID,
					"there is no terminal to ask whether to run: %s", result.Fix)
			}
			if person == nil {
				person = newPrompter(a.person, a.utf8)
			}
			person.to.printf("to fix %s, worldsetup can run: %s", result.Title, result.Fix)
			answer, err := person.ask(ctx, "run it? [y/N]")
			if err != nil {
				return tried, err
			}
			if !isYes(answer) {
				continue
			}
		}
		tried = true
		if person != nil {
			person.changed = true
		}
		to.printf("fixing %s: %s", result.Title, result.Found)
		_ = applyFix(ctx, selected[i], result.Fix, to, a.person) // it shows a check that still fails
	}
	return tried, nil
}

// fixer returns the function that fixes a failed prerequisite of a run, at a terminal where sudo may ask for a
// password.
func (a *app) fixer(spec provision.Spec) func(context.Context, string, io.Reader, io.Writer) error {
	return func(ctx context.Context, id string, in io.Reader, out io.Writer) error {
		to := newLines(out, a.utf8)
		list, err := a.checksFor(ctx, spec, []string{id})
		if err != nil {
			to.printf("not fixed: %v", err)
			return err
		}
		fix := checks.Run(ctx, list, nil)[0].Fix
		if a.simulation != nil {
			return applyFix(ctx, list[0], fix, to, terminal{}) // without sudo
		}
		return applyFix(ctx, list[0], fix, to, terminal{in, out})
	}
}

// applyFix fixes a check, shows what it does, and returns why the check still fails. If the fix needs root and there
// is a terminal, sudo asks for the password before the fix, which has no terminal.
func applyFix(ctx context.Context, check checks.Check, fix *checks.FixInfo, to *lines, at terminal) error {
	if at.in != nil && fix != nil && fix.AsRoot() && exec.CommandContext(ctx, "sudo", "-n", "true").Run() != nil {
		to.printf("sudo asks for your password:")
		ask := exec.CommandContext(ctx, "sudo", "-v")
		ask.Stdin, ask.Stdout, ask.Stderr = os.Stdin, os.Stderr, os.Stderr
		_ = ask.Run() // the fix fails without it
	}
	result := checks.Apply(ctx, check, func(line string) { to.put("    | ", "    | ", line) })
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case result.Outcome != checks.Failed:
		to.printf("fixed: %s: %s", result.Title, result.Found)
		return nil
	}
	to.printf("not fixed: %s", result.Found)
	showAdvice(to, result.Finding)
	return fmt.Errorf("%s\n%s\n%s", result.Found, result.Why, result.Next)
}

// checksObject is the JSON form of checks.
type checksObject struct {
	Schema int `json:"schema"`
	Checks any `json:"checks"`
}

// listChecks shows the names of the checks.
func (a *app) listChecks(list []checks.Check) {
	type name struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	names, rows := []name{}, [][]string{}
	for _, check := range list {
		names = append(names, name{check.ID, check.Title})
		rows = append(rows, []string{check.ID, check.Title})
	}
	if a.json != nil {
		a.json.result(checksObject{provision.Schema, names})
		return
	}
	table(a.stdout(), rows)
}
