package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
)

const stageLong = `stage copies the project into the VM of a world that mounts nothing (generation staged-v2), at
/var/lib/substrate/staged-workspace/current, and does nothing else. Only what has changed since the last time is sent,
and what was changed in the copy is lost. .git, target, .codex and .DS_Store are left out at any level. A run of
worldsetup does the same, and repairs the rest as well.`

// stageCommand returns the command that copies the project into the VM.
func (a *app) stageCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "stage [PROJECT]", Short: "copy the project into a VM that doesn't mount it", Long: stageLong,
		Args: atMostOneProject, Example: examples("worldsetup stage", "worldsetup stage ~/src/app --json"),
	}
	in := &inputs{options: optionsNamed("vm", "wait", "timeout")}
	a.withOptions(command, in, func(ctx context.Context, c invocation) error {
		c, err := a.requireTrust(ctx, c)
		if err != nil {
			return err
		}
		_, err = a.engine(provision.Setup{Spec: c.spec, Events: a.face("copied").show}).Stage(ctx)
		return err
	})
	return hide(command, "verbose")
}
