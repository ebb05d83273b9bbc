package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/internal/demo"
	"github.com/atomize-hq/worldsetup/provision"
)

const demoBanner = "SIMULATION"

const demoLong = `demo runs the wizard on a simulated Lima: it reads and changes nothing on this machine, and needs
no installation. It runs the real engine on a VM that exists in memory only. Without a
terminal it prints plain lines, and with --json the events of a run.

Scenarios:
`

// demoCommand returns the command that shows worldsetup without a VM.
func (a *app) demoCommand() *cobra.Command {
	var long strings.Builder
	long.WriteString(demoLong)
	for _, scenario := range demo.Scenarios {
		fmt.Fprintf(&long, "  %-13s  %s\n", scenario.Name, scenario.Help)
	}
	command := &cobra.Command{
		Use: "demo", Short: "try worldsetup on a simulated VM, without changing anything", Args: noArguments,
		Long: strings.TrimSuffix(long.String(), "\n"),
		Example: examples("worldsetup demo", "worldsetup demo --scenario repair --speed 10",
			"worldsetup demo --json --speed 100"),
	}
	command.Flags().SortFlags = false
	name := command.Flags().String("scenario", demo.Scenarios[0].Name, "run the scenario `NAME`")
	speed := command.Flags().Float64("speed", 4, "run `FACTOR` times faster than a real VM")
	command.Flags().Bool("json", false, "one JSON object per line, for scripts")
	group(command, groupOutput, "json")
	addOutputFlags(command)
	addOutput(command)
	command.RunE = func(command *cobra.Command, _ []string) error {
		if err := a.setOutput(command); err != nil {
			return err
		}
		at := slices.IndexFunc(demo.Scenarios, func(s demo.Scenario) bool { return s.Name == *name })
		if at < 0 {
			return usage(adviseScenario(*name)+"`worldsetup demo --help` lists them", "unknown scenario %q", *name)
		}
		if !(*speed > 0) {
			return usage("1 is as fast as a real VM, and 4 is the default",
				"the speed is %v, and must be above 0", *speed)
		}
		world, err := demo.New(demo.Scenarios[at], *speed)
		if err != nil {
			return fmt.Errorf("the simulation needs a temporary directory: %w", err)
		}
		defer world.Close()
		a.simulation = world
		a.engine = func(setup provision.Setup) engine { return world.Engine(setup) }
		switch words := demoBanner + ": nothing on this machine is read or changed"; {
		case a.json != nil:
			a.errors.printf("%s", words)
		case !a.draws():
			a.stdout().printf("%s", words)
		}
		return simulated(a.run(command.Context(), world.Spec(), func(provision.Choices) {}))
	}
	return command
}

// adviseScenario returns which scenario a mistyped name most likely means, in words; empty for none.
func adviseScenario(name string) string {
	names := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, scenario := range demo.Scenarios {
		names.AddCommand(&cobra.Command{Use: scenario.Name, Run: func(*cobra.Command, []string) {}})
	}
	if similar := nearest(names, name); similar != "" && name != "" {
		return "did you mean " + similar + "? "
	}
	return ""
}

// simulated marks an error as one of the simulation: what it suggests to type next must not be tried on a real VM.
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
