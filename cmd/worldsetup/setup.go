package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
)

// setUpCommand returns worldsetup itself, which sets up or repairs the world.
func (a *app) setUpCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "worldsetup [PROJECT]", Args: projectOrCommand,
		Short: "set up or repair a world in a Lima VM, and verify that it works",
		Example: examples("worldsetup ~/src/app", "worldsetup --dry-run", "worldsetup --check-only",
			"worldsetup --cpus 8 --memory 16GiB --save", "worldsetup --non-interactive --json"),
	}
	var dryRun bool
	a.withOptions(command, &inputs{options: runOptions()}, func(ctx context.Context, c invocation) error {
		switch {
		case a.checkOnly:
			a.noteTrust(c)
			return a.status(ctx, provision.Setup{Spec: c.spec, Reuse: true})
		case dryRun:
			return a.plan(ctx, c)
		}
		return a.setUp(ctx, c)
	})
	checkOnly := command.Flags().Bool("check-only", false,
		"change nothing; report on the world as worldsetup status does, and exit with 0 whatever it finds")
	// Unknown flags and too many arguments fail even so; wrong values don't.
	command.PreRun = func(*cobra.Command, []string) { a.checkOnly = *checkOnly }
	addOutputFlags(command)
	command.Flags().Bool("save", false, "save the flags in the project's worldsetup.yaml, if the run goes ahead")
	command.Flags().BoolVar(&dryRun, "dry-run", false, "change nothing; print the plan, as worldsetup plan does")
	group(command, groupRun, "save", "dry-run", "check-only")
	return command
}

// addOutputFlags adds the flags that choose between the wizard and plain lines.
func addOutputFlags(command *cobra.Command) {
	command.Flags().Bool("non-interactive", false, "never ask; plain lines instead of the wizard [CI]")
	command.Flags().Bool("plain", false, "print and ask in plain lines, without escape sequences, on a terminal too")
	command.Flags().Bool("no-mouse", false, "leave the mouse to the terminal [WORLDSETUP_NO_MOUSE]")
	group(command, groupRun, "non-interactive")
	group(command, groupOutput, "plain", "no-mouse")
}

// setUp runs the engine, and saves the values if --save asks for it.
func (a *app) setUp(ctx context.Context, c invocation) error {
	c, err := a.requireTrust(ctx, c)
	if err != nil {
		return err
	}
	a.changing = c.spec.VM
	if !a.save {
		return a.run(ctx, c.spec, func(provision.Choices) {})
	}
	saver, err := a.newSaver(c.spec, c.values)
	if err != nil {
		return err
	}
	return a.finish(saver, a.run(ctx, c.spec, func(choices provision.Choices) { saver.chosen = choices }))
}

// run runs the engine in the wizard, or in lines, with prompts if a user can answer. It passes what the user chooses to
// chosen.
func (a *app) run(ctx context.Context, spec provision.Spec, chosen func(provision.Choices)) error {
	switch {
	case a.draws():
		return a.wizard(ctx, a.wizardFor(spec, chosen))
	case !a.canAsk():
		_, err := a.engine(provision.Setup{Spec: spec, Events: a.face("ready").show}).Run(ctx)
		return err
	}
	c := conversation{
		prompter: newPrompter(a.person, a.utf8), spec: spec, typed: spec.Replace, face: a.face("ready"), engine: a.engine,
		fix: a.fixer(spec), at: a.person,
	}
	err := c.run(ctx)
	chosen(choicesOf(c.spec))
	return err
}

// canAsk reports whether a user can answer prompts in lines.
func (a *app) canAsk() bool { return a.json == nil && !a.neverAsk && a.person.out != nil }
