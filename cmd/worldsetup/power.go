package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
)

// startCommand returns the command that starts the VM.
func (a *app) startCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "start", Short: "start the VM as it is; worldsetup alone also repairs it", Args: noArguments,
		Example: examples("worldsetup start", "worldsetup start --vm dev"),
	}
	return hide(a.vmCommand(command, func(ctx context.Context, spec provision.Spec) error {
		return a.engine(provision.Setup{Spec: spec, Events: a.face("started").show}).Start(ctx)
	}, "vm", "wait", "timeout"), "verbose")
}

// stopCommand returns the command that stops the VM.
func (a *app) stopCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "stop", Short: "shut the VM down, and all that runs in it", Args: noArguments,
		Example: examples("worldsetup stop", "worldsetup stop --allow=force"),
	}
	return hide(a.vmCommand(command, func(ctx context.Context, spec provision.Spec) error {
		return a.engine(provision.Setup{Spec: spec, Events: a.face("stopped").show}).Stop(ctx)
	}, "vm", "allow", "wait", "timeout"), "verbose")
}
