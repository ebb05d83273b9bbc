package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/tui"
)

const demoBanner = "SIMULATION"

const demoLong = `demo plays the wizard over a simulated Lima: nothing on this machine is looked at or changed, and nothing needs to be
installed. What it shows is the real engine at work on a VM that exists in memory only. Without a terminal it is told in plain lines.

Scenarios:
`

// demoCommand is the command that shows worldsetup without a VM.
func (a *app) demoCommand() *cobra.Command {
	command := &cobra.Command{Use: "demo", Short: "play it over a simulated VM, touching nothing", Long: demoLong + scenarioTable(), Args: nothingElse}
	scenario := command.Flags().String("scenario", demoScenarios[0].name, "what to play")
	speed := command.Flags().Float64("speed", 4, "how many times faster than a real VM")
	command.Flags().Bool("plain", false, "tell and ask in plain lines, also on a terminal")
	command.Flags().Bool("non-interactive", false, "never ask; plain lines instead of the wizard")
	command.Flags().Bool("no-mouse", false, "leave the mouse to the terminal [WORLDSETUP_NO_MOUSE]")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if err := a.settleFace(command); err != nil {
			return err
		}
		at := slices.IndexFunc(demoScenarios, func(s demoScenario) bool { return s.name == *scenario })
		if at < 0 {
			return usage("`worldsetup demo --help` lists them", "there is no scenario %q", *scenario)
		}
		if !(*speed > 0) {
			return usage("1 is as fast as a real VM, and 4 is usual", "the speed is %v, and has to be above 0", *speed)
		}
		return a.demo(command.Context(), demoScenarios[at].prepare, *speed)
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
		return simulated(a.wizard(ctx, world.options()))
	}
	newLines(a.out, a.utf8).printf("%s: nothing on this machine is looked at or changed", demoBanner)
	return simulated(a.lines(ctx, world.spec, world.engine, world.fix, func(provision.Choices) {}))
}

// options are those of a wizard in the simulation.
func (w *demoWorld) options() tui.Options {
	return tui.Options{
		VM: w.spec.VM, LogPath: provision.LogPath(w.spec), Banner: demoBanner, Now: w.now, Choices: choicesOf(w.spec),
		Check: func(_ context.Context, c provision.Choices) provision.Validation { return judgeChoices(w.spec, c) },
		Fix:   w.fix,
		Export: func(_ context.Context, health provision.Health) (string, error) {
			return exportHealth(w.spec.StateDir, health)
		},
		Engine: func(r tui.Request) tui.Engine { return w.engine(setupFor(w.spec, r)) },
	}
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
