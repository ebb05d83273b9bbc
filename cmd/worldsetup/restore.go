package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
)

// restoreCommand returns the command that restores the VM that was kept.
func (a *app) restoreCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "restore", Short: "restore the VM that was kept when it was replaced, and verify it", Args: noArguments,
		Example: examples("worldsetup restore", "worldsetup restore --replace=substrate"),
	}
	return a.vmCommand(command, a.restore, "vm", "replace", "keep-old", "wait", "timeout")
}

const removeLong = `remove deletes the VM, its backup and worldsetup's files about it. To consent, type the VM's
name, or give it as --remove=NAME.

With --all it removes everything that worldsetup has put on this machine: all worlds, their backups, logs, saved
settings, what you trusted, and completions and manual pages in your home directory. It first lists all of it, and
what stays, with the commands that remove the rest. To consent, type the names of all VMs, or give them as
--all=NAMES.`

// removeCommand returns the command that deletes the world, or all of them.
func (a *app) removeCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "remove", Short: "delete the VM, its backup and worldsetup's files", Args: noArguments, Long: removeLong,
		Example: examples("worldsetup remove", "worldsetup remove --vm dev --remove=dev", "worldsetup remove --all"),
	}
	const unnamed = "?" // no VM's name
	all := command.Flags().String("all", "", "remove everything that worldsetup has put on this machine; to "+
		"consent, give the `NAMES` of all VMs, as in --all=substrate,dev")
	command.Flags().Lookup("all").NoOptDefVal = unnamed
	group(command, groupConsent, "all")
	a.vmCommand(command, func(ctx context.Context, spec provision.Spec) error {
		if *all == "" {
			return a.remove(ctx, spec)
		}
		if spec.Remove != "" || command.Flags().Changed("vm") {
			return usage("leave one of them out", "--all is about all VMs; --vm and --remove name one")
		}
		return a.removeAll(ctx, spec, strings.TrimPrefix(*all, unnamed))
	}, "vm", "remove", "wait", "timeout")
	return hide(command, "verbose")
}

// vmCommand completes a command about the existing VM, which takes no project and few of the options.
func (a *app) vmCommand(
	command *cobra.Command, act func(context.Context, provision.Spec) error, names ...string,
) *cobra.Command {
	in := &inputs{options: optionsNamed(names...)}
	a.withOptions(command, in, func(ctx context.Context, c invocation) error {
		c, err := a.requireTrust(ctx, c)
		if err != nil {
			return err
		}
		return act(ctx, c.spec)
	})
	command.Flags().Bool("non-interactive", false, "never ask")
	group(command, groupRun, "non-interactive")
	return command
}

func (a *app) restore(ctx context.Context, spec provision.Spec) error {
	spec.Restore, spec.Replace = spec.Replace, "" // the command says what its --replace means
	work := consented{
		consent: func(s *provision.Spec) *string { return &s.Restore },
		done:    "restored", purpose: "restore the kept one in its place", losses: provision.Plan.RestoreLosses,
		plan: engine.PlanRestore, act: func(e engine, ctx context.Context) error { _, err := e.Restore(ctx); return err },
	}
	return a.withConsent(ctx, spec, work)
}

func (a *app) remove(ctx context.Context, spec provision.Spec) error {
	work := consented{
		consent: func(s *provision.Spec) *string { return &s.Remove },
		done:    "removed", purpose: "delete it", losses: provision.Plan.RemoveLosses,
		plan: engine.PlanRemove, act: engine.Remove,
	}
	return a.withConsent(ctx, spec, work)
}

// consented is work that may destroy a VM: the consent to it, what it is for, what it destroys, its plan, and the work
// itself.
type consented struct {
	consent func(*provision.Spec) *string
	done    string // as in [app.face]
	purpose string
	losses  func(provision.Plan) (lost, kept string)
	plan    func(engine, context.Context) (provision.Plan, error)
	act     func(engine, context.Context) error
}

// withConsent does the work. If it lacks consent, a user who can answer is asked for the VM's name.
func (a *app) withConsent(ctx context.Context, spec provision.Spec, work consented) error {
	a.changing = spec.VM
	face, end := a.face(work.done), provision.Event{}
	setup := provision.Setup{Spec: spec, Events: func(event provision.Event) {
		if end = event; event.Type != provision.EventFinished { // a question may follow
			face.show(event)
		}
	}}
	err := work.act(a.engine(setup), ctx)
	if kindOf(err) != provision.KindReplacement || *work.consent(&spec) != "" || !a.canAsk() {
		if end.Type == provision.EventFinished {
			face.show(end)
		}
		return err
	}
	setup.Events = face.show
	plan, planErr := work.plan(a.engine(provision.Setup{Spec: spec}), ctx)
	if planErr != nil {
		return planErr
	}
	lost, kept := work.losses(plan)
	name, askErr := newPrompter(a.person, a.utf8).askName(ctx, lost, kept, spec.VM, work.purpose)
	switch {
	case askErr != nil:
		return askErr
	case name == "":
		return provision.Declined(err)
	}
	*work.consent(&setup.Spec), setup.Approve = name, plan.Approve
	return work.act(a.engine(setup), ctx)
}
