package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// stageLong returns the command's help.
func stageLong() string {
	var places []string
	for _, of := range layout.Staged() {
		places = append(places, fmt.Sprintf("%s (generation %s)", of.Current(), of.Name))
	}
	return "stage copies the project into the VM of a world that mounts nothing, and does nothing else. The copy is\n" +
		strings.Join(places, " or\n") + `.
Only what has changed since the last time is sent, and what was changed in the copy is lost. .git, target, .codex and
.DS_Store are left out at any level. A run of worldsetup does the same, and repairs the rest as well.`
}

// stageCommand returns the command that copies the project into the VM.
func (a *app) stageCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "stage [PROJECT]", Short: "copy the project into a VM that doesn't mount it", Long: stageLong(),
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
