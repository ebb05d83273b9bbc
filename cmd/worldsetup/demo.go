package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/tui"
)

const demoBanner = "SIMULATION"

const demoLong = `demo plays the wizard over a simulated Lima: nothing on this machine is looked at or changed, and nothing needs to be
installed. What it shows is the real engine at work on a VM that exists in memory only. Without a terminal it is told in plain lines.`

// demoCommand is the command that shows worldsetup without a VM.
func (a *app) demoCommand() *cobra.Command {
	command := &cobra.Command{Use: "demo", Short: "play it over a simulated VM, touching nothing", Long: demoLong, Args: nothingElse}
	names := strings.Join(slices.Sorted(maps.Keys(demoScenarios)), ", ")
	scenario := command.Flags().String("scenario", "first-run", "what to play: "+names)
	speed := command.Flags().Float64("speed", 4, "how many times faster than a real VM")
	command.Flags().Bool("plain", false, "tell it in plain lines, also on a terminal")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if err := a.settleFace(command); err != nil {
			return err
		}
		prepare, known := demoScenarios[*scenario]
		if !known {
			return usage("there are: "+names, "there is no scenario %q", *scenario)
		}
		if !(*speed > 0) {
			return usage("1 is as fast as a real VM, and 4 is usual", "the speed is %v, and has to be above 0", *speed)
		}
		return a.demo(command.Context(), prepare, *speed)
	}
	return command
}

func (a *app) demo(ctx context.Context, prepare func(*demoWorld), speed float64) error {
	world, err := newDemoWorld(speed)
	if err != nil {
		return fmt.Errorf("the simulation needs a temporary directory: %w", err)
	}
	defer world.close()
	prepare(world)
	world.begin()
	if a.draws() {
		return simulated(a.wizard(ctx, tui.Options{
			VM: world.spec.VM, LogPath: provision.LogPath(world.spec), Banner: demoBanner,
			Engine: func(events func(provision.Event)) tui.Engine { return world.engine(events) },
		}))
	}
	to := newLines(a.out, a.utf8)
	to.printf("%s: nothing on this machine is looked at or changed", demoBanner)
	_, err = world.engine(newPlainFace(to).show).Run(ctx)
	return simulated(err)
}

// simulated marks an error as one of the simulation: what it says to type next must not be tried on a real VM.
func simulated(err error) error {
	failure := provision.AsError(err)
	if failure == nil {
		return nil
	}
	marked := *failure
	marked.What = demoBanner + ": " + failure.What
	if failure.Next != "" {
		marked.Next = "with a real VM it would be: " + failure.Next
	}
	return &marked
}
