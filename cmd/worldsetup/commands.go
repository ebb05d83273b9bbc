package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
)

const rootLong = `worldsetup sets up a Substrate world: a Lima VM in which an agent listens on a UNIX socket. It creates what is
missing, completes what is half made, and proves by connecting that it works. On a healthy world it changes nothing.

PROJECT is the directory that the world shows writable at /src. Without one, a new VM shows the working directory and
an existing one stays as it is. A directory that is called like a command is given as ./plan.

Flags beat environment variables, which stand in [brackets], and these beat worldsetup.yaml: the project's, and then
the user's own. worldsetup init writes one, and worldsetup plan shows where each value comes from.`

// rootCommand is the tree of commands.
func (a *app) rootCommand() *cobra.Command {
	root := a.projectCommand("worldsetup [PROJECT]", "set up a world in a Lima VM, or complete it, and prove that it works", a.setUp)
	root.Long = rootLong
	root.Flags().Bool("non-interactive", false, "never ask; plain lines instead of the wizard")
	root.Flags().Bool("plain", false, "tell and ask in plain lines, without escape sequences, also on a terminal")
	root.Flags().Bool("no-mouse", false, "leave the mouse to the terminal [WORLDSETUP_NO_MOUSE]")
	root.Flags().Bool("save", false, "keep what the flags say in the project's worldsetup.yaml, if the run goes ahead")
	root.Flags().Bool("version", false, "print the version") // cobra's own comes with -v, which others use for something else
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SuggestionsMinimumDistance = 2 // cobra's own, which it sets too late
	root.SetOut(a.out)
	root.SetErr(a.errors.to)
	root.Version = version()
	root.SetVersionTemplate("worldsetup {{.Version}}\n")
	root.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return flagError("`"+command.CommandPath()+" --help`", err)
	})
	root.AddCommand(
		a.projectCommand("plan [PROJECT]", "print what would be changed and why, and change nothing", a.plan),
		a.statusCommand(),
		a.checkCommand(),
		a.initCommand(),
		a.vmCommand("restore", "bring a kept VM back in the place of the one that replaced it, and prove it", a.restore,
			consent("replace", "do away with the VM of that name for it")),
		a.vmCommand("remove", "take the world away: the VM, what is kept beside it, and the files about it", a.remove,
			consent("remove", "do away with the VM of that name")),
		a.demoCommand(),
		a.versionCommand(),
		&cobra.Command{Use: "exit-codes", Short: "the exit codes and what they mean", Long: "The exit codes, with the kind of error in the JSON output:\n\n" + exitTable()},
	)
	root.SetHelpCommand(helpCommand(root))
	return root
}

// action is the work of a command: for a Spec, and the answers that it was made of.
type action func(context.Context, provision.Spec, []answer) error

// projectCommand is a command that takes a project and the settings; act does its work.
func (a *app) projectCommand(use, short string, act action) *cobra.Command {
	command := &cobra.Command{Use: use, Short: short, Args: atMostOneProject}
	command.Flags().SortFlags = false
	choices := newChoices(command.Flags(), a.getenv, settings())
	command.Flags().Bool("json", false, "one JSON object a line, for scripts")
	command.RunE = func(command *cobra.Command, args []string) error {
		if err := a.settleFace(command); err != nil {
			return err
		}
		if err := mistaken(command, args); err != nil {
			return err
		}
		spec, answers, err := choices.spec(strings.Join(args, "")) // at most one; none is the engine's to choose
		if err != nil {
			return err
		}
		return blame(answers, act(command.Context(), spec, answers))
	}
	return command
}

// vmCommand is a command about the VM as it is: it takes no project, and few of the settings. The consent comes with a
// flag that says what it is for.
func (a *app) vmCommand(use, short string, act func(context.Context, provision.Spec) error, consent setting) *cobra.Command {
	command := &cobra.Command{Use: use, Short: short, Args: nothingElse}
	command.Flags().SortFlags = false
	chosen := []setting{consent}
	for _, setting := range settings() {
		if setting.flag == "vm" || setting.flag == "wait" || setting.flag == "timeout" || setting.flag == "keep-old" && use == "restore" {
			chosen = append(chosen, setting)
		}
	}
	choices := newChoices(command.Flags(), a.getenv, chosen)
	command.Flags().Bool("json", false, "one JSON object a line, for scripts")
	command.Flags().Bool("non-interactive", false, "never ask")
	command.RunE = func(command *cobra.Command, _ []string) error {
		if err := a.settleFace(command); err != nil {
			return err
		}
		spec, answers, err := choices.spec("")
		if err != nil {
			return err
		}
		return blame(answers, act(command.Context(), spec))
	}
	return command
}

// statusCommand is the one that can go on.
func (a *app) statusCommand() *cobra.Command {
	var watch bool
	command := a.projectCommand("status [PROJECT]", "look at the world, prove it by connecting, and change nothing", func(ctx context.Context, spec provision.Spec, _ []answer) error {
		if watch {
			return a.watch(ctx, spec)
		}
		return a.status(ctx, spec)
	})
	command.Flags().BoolVar(&watch, "watch", false, "go on, and say a line whenever something changes")
	return command
}

func atMostOneProject(command *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] == "" {
		return usage("name an existing directory, or leave it out", "the project directory's name is empty")
	}
	if len(args) > 1 {
		return usage("quote a path that has spaces in it", "there can be one project directory, and %d were given: %s", len(args), strings.Join(args, " "))
	}
	return nil
}

func nothingElse(command *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("leave it out", "%s takes nothing else, and %q was given", command.CommandPath(), strings.Join(args, " "))
	}
	return nil
}

// settleFace takes the parsed flags' word for what was only guessed before, and refuses two ways of output at once.
func (a *app) settleFace(command *cobra.Command) error {
	plain, _ := command.Flags().GetBool("plain") // only the root has it
	json, _ := command.Flags().GetBool("json")
	if plain && json {
		return usage("leave one of them out", "--plain and --json exclude each other")
	}
	if !json {
		a.json = nil
	}
	silent, _ := command.Flags().GetBool("non-interactive")
	a.plain, a.silent = plain || silent, silent
	a.noMouse, _ = command.Flags().GetBool("no-mouse")
	a.save, _ = command.Flags().GetBool("save")
	return nil
}

// mistaken says so when what looks like a command is neither one nor a project.
func mistaken(command *cobra.Command, args []string) error {
	if command.HasParent() || len(args) == 0 || strings.ContainsAny(args[0], "/.") {
		return nil
	}
	if _, err := os.Stat(args[0]); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	next := "`worldsetup help` lists the commands; a project is an existing directory"
	if similar := command.SuggestionsFor(args[0]); len(similar) > 0 {
		next = fmt.Sprintf("did you mean `worldsetup %s`?", similar[0])
	}
	return usage(next, "there is neither a command nor a directory called %q", args[0])
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: nothingElse,
		Run: func(*cobra.Command, []string) { fmt.Fprintln(a.out, "worldsetup "+version()) },
	}
}

// helpCommand is cobra's own, except that an unknown topic is an error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "help about a command, or exit-codes",
		RunE: func(_ *cobra.Command, args []string) error {
			command, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usage("`worldsetup help` lists the commands", "there is no help on %q", strings.Join(args, " "))
			}
			command.InitDefaultHelpFlag()
			command.InitDefaultVersionFlag()
			return command.Help()
		},
	}
}
