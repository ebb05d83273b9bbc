package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// addOutput adds the flags of every command that prints a report.
func addOutput(command *cobra.Command) {
	flags := command.Flags()
	flags.BoolP("quiet", "q", false, "print only errors, and never ask: the exit code is the result")
	flags.BoolP("verbose", "v", false, "show everything, including what is fine")
	flags.String("color", "auto", "`WHEN` to use colours: auto (on a terminal), always or never [NO_COLOR]")
	group(command, groupOutput, "quiet", "verbose", "color")
}

// hide leaves flags that have no effect on a command out of its help text.
func hide(command *cobra.Command, flags ...string) *cobra.Command {
	for _, name := range flags {
		_ = command.Flags().MarkHidden(name) // the flag is there
	}
	return command
}

// setLook chooses colours, and how much is shown, by the parsed flags.
func (a *app) setLook(command *cobra.Command) error {
	flags := command.Flags()
	a.quiet, _ = flags.GetBool("quiet") // false for a flag that the command doesn't have
	a.verbose, _ = flags.GetBool("verbose")
	choice, _ := flags.GetString("color")
	switch {
	case choice != "" && choice != "auto" && choice != "always" && choice != "never":
		return usage("give auto, always or never, as in --color=never", "--color: invalid value %q", choice)
	case a.quiet && a.verbose:
		return usage("leave one of them out", "--quiet and --verbose exclude each other")
	case a.quiet && a.json != nil:
		return usage("leave one of them out", "--quiet and --json exclude each other")
	}
	plain, _ := flags.GetBool("plain")
	if plain && choice == "auto" {
		choice = "never" // it promises that
	}
	if !plain {
		a.columns, a.errors.width = width(a.streams.Out), width(a.streams.Err)
	}
	a.color = a.streams.colors(a.streams.Out, choice)
	a.errors.color = a.streams.colors(a.streams.Err, choice)
	a.look = choice
	return nil
}

// stdout returns the lines of standard output.
func (a *app) stdout() *lines {
	return &lines{to: a.out, utf8: a.utf8, color: a.color, width: a.columns, demo: a.simulation != nil}
}

// lookIn finds --color before the flags are parsed, for the errors in them.
func lookIn(args []string) (choice string) {
	for i, arg := range args {
		value, found := strings.CutPrefix(arg, "--color=")
		switch {
		case arg == "--":
			return choice
		case found:
			choice = value
		case arg == "--color" && i+1 < len(args):
			choice = args[i+1]
		}
	}
	return choice
}
