package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/demo"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// completions complete the values of flags, wherever a command has them.
var completions = map[string]cobra.CompletionFunc{
	"vm": completeVM, "replace": completeVM, "remove": completeVM, "adopt": completeVM,
	"layout":     words(layout.Names()...),
	"size":       words("default", "dev"),
	"vm-type":    words("vz", "qemu"),
	"mount-type": words("virtiofs", "9p", "reverse-sshfs"),
	"allow":      words("live", "unit", "connection", "restart", "force"),
	"color":      words("auto", "always", "never"),
	"cpus":       words(), "memory": words(), "disk": words(), "timeout": words(), "image-digest": words(),
	"scenario": completeScenario,
}

// addCompletions adds them to root and the commands below it.
func addCompletions(root *cobra.Command) {
	for _, command := range append(root.Commands(), root) {
		for name, complete := range completions {
			if command.Flags().Lookup(name) != nil {
				_ = command.RegisterFlagCompletionFunc(name, complete) // the flag is there, and has none yet
			}
		}
		if command.ValidArgsFunction == nil {
			command.ValidArgsFunction = completeArguments(command)
		}
	}
}

// completeArguments completes a project's directory, or nothing where a command takes none.
func completeArguments(command *cobra.Command) cobra.CompletionFunc {
	switch command.Name() {
	case "worldsetup", "plan", "status", "stage", "init", "trust", "bundle", "man":
		return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
	case "check":
		return completeCheck
	}
	return words()
}

func words(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// completeVM completes the name of a world on this machine.
func completeVM(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	spec, _ := provision.Spec{}.Resolve() // without a home there are no worlds
	return provision.Worlds(spec.LimaHome), cobra.ShellCompDirectiveNoFileComp
}

// completeCheck completes the ids of the checks that are not named yet.
func completeCheck(_ *cobra.Command, named []string, _ string) (ids []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, check := range checks.List(checks.Target{}) {
		if !slices.Contains(named, check.ID) {
			ids = append(ids, cobra.CompletionWithDesc(check.ID, check.Title))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

func completeScenario(*cobra.Command, []string, string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, scenario := range demo.Scenarios {
		names = append(names, cobra.CompletionWithDesc(scenario.Name, scenario.Help))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
