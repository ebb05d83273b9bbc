package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/internal/config"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

const rootLong = `worldsetup sets up a Substrate world: a Lima VM in which an agent listens on a UNIX socket. It creates
what is missing, repairs what is incomplete, and verifies by connecting that it works. It changes nothing in a healthy
world.

PROJECT is the directory that is mounted writable at /src, or copied into the VM. Without it, a new VM gets the
working directory and an existing VM keeps its own. Write ./plan for a directory that has the name of a command.

Flags beat environment variables, which are in [brackets], and these beat worldsetup.yaml: the project's, then the
user's own. worldsetup init writes one, and worldsetup plan shows where each value comes from.`

// rootCommand returns the tree of commands.
func (a *app) rootCommand() *cobra.Command {
	root := a.setUpCommand()
	root.Long = rootLong
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SuggestionsMinimumDistance = 2 // cobra's own, which it sets too late
	root.SetOut(a.out)
	root.SetErr(a.errors.to)
	a.setUpHelp(root)
	a.addVersionFlag(root)
	addCommands(root, commandsOfWorld, "The world:",
		a.planCommand(), a.statusCommand(), a.shellCommand(), a.logsCommand(), a.startCommand(), a.stopCommand(),
		a.stageCommand(), a.listCommand(), a.restoreCommand(), a.removeCommand())
	addCommands(root, commandsOfMachine, "This machine and the project:",
		a.checkCommand(), a.initCommand(), a.trustCommand(), a.bundleCommand())
	addCommands(root, commandsOfMore, "More:", a.demoCommand(), a.versionCommand(), a.manCommand(), &cobra.Command{
		Use: "exit-codes", Short: "the exit codes and what they mean",
		Long: "The exit codes, with the kind of error in the JSON output:\n\n" + exitTable(),
	})
	root.SetCompletionCommandGroupID(commandsOfMore)
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Short = "print a completion script: for bash, zsh, fish or powershell"
		completion.Long = "completion prints a script that lets a shell complete commands, flags, and the names of VMs, " +
			"checks and scenarios."
		completion.Example = examples("worldsetup completion bash > ~/.local/share/bash-completion/completions/worldsetup",
			`worldsetup completion zsh > "${fpath[1]}/_worldsetup"`,
			"worldsetup completion fish > ~/.config/fish/completions/worldsetup.fish")
	}
	root.SetHelpCommand(helpCommand(root))
	addCompletions(root)
	return root
}

// invocation is one call of a command: its arguments, and the Spec and values that its options result in.
type invocation struct {
	args   []string
	spec   provision.Spec
	values []value
	file   *config.File // the project's; nil for none
}

// action is the work of a command.
type action func(context.Context, invocation) error

// project returns the project argument, of which there is at most one; without it the engine chooses.
func (c invocation) project() string { return strings.Join(c.args, "") }

// withOptions gives a command the flags of its options, --json, and its work. The project is its argument, unless the
// flag --project names it.
func (a *app) withOptions(command *cobra.Command, in *inputs, act action) *cobra.Command {
	flags := command.Flags()
	flags.SortFlags = false
	in.flags, in.getenv = flags, a.getenv
	in.addFlags()
	flags.Bool("json", false, "one JSON object per line, for scripts")
	group(command, groupOutput, "json")
	addOutput(command)
	command.RunE = func(command *cobra.Command, args []string) error {
		if err := a.setOutput(command); err != nil {
			return err
		}
		c := invocation{args: args}
		project := ""
		if !in.others {
			project = c.project()
		}
		if flag := flags.Lookup("project"); flag != nil {
			project = flag.Value.String()
		}
		var err error
		if c.spec, c.values, err = in.spec(project); err != nil {
			return err
		}
		c.file = in.file
		return blame(c.values, act(command.Context(), c))
	}
	return command
}

// setOutput chooses the output by the parsed flags; --json was only guessed before.
func (a *app) setOutput(command *cobra.Command) error {
	isSet := func(name string) bool {
		set, _ := command.Flags().GetBool(name) // false for a flag that the command doesn't have
		return set
	}
	if isSet("plain") && isSet("json") {
		return usage("leave one of them out", "--plain and --json exclude each other")
	}
	if !isSet("json") {
		a.json = nil
	}
	if err := a.setLook(command); err != nil {
		return err
	}
	a.neverAsk = isSet("non-interactive") || a.quiet
	if a.quiet {
		a.out, a.terminal, a.person = io.Discard, terminal{}, terminal{}
	}
	if flag := command.Flags().Lookup("non-interactive"); (flag == nil || !flag.Changed) && inCI(a.getenv) {
		if flag != nil && a.person.out != nil && a.json == nil {
			a.errors.printf("CI is set, which means --non-interactive; --non-interactive=false asks questions")
		}
		a.neverAsk, a.terminal, a.person = true, terminal{}, terminal{}
	}
	a.plain = a.neverAsk || isSet("plain")
	a.noMouse, a.save = isSet("no-mouse"), isSet("save")
	return nil
}

// inCI reports whether this is a job of a CI system. Some give a job a terminal, that no person uses.
func inCI(getenv func(string) string) bool {
	value := strings.TrimSpace(getenv("CI"))
	on, err := parseSwitch(value)
	return value != "" && (on || err != nil)
}

func atMostOneProject(_ *cobra.Command, args []string) error {
	if len(args) == 1 && args[0] == "" {
		return usage("name an existing directory, or leave it out", "the project directory's name is empty")
	}
	if len(args) > 1 {
		all := strings.Join(args, " ")
		return usage("quote a path that contains spaces", "expected one project directory, got %d: %s", len(args), all)
	}
	return nil
}

func noArguments(command *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("leave it out", "%s takes no arguments, got %q", command.CommandPath(), strings.Join(args, " "))
	}
	return nil
}

// projectOrCommand is atMostOneProject for the root command, where a project may be a mistyped command.
func projectOrCommand(command *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" || strings.ContainsAny(args[0], "/.") {
		return atMostOneProject(command, args)
	}
	if _, err := os.Stat(args[0]); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	next := "`worldsetup help` lists the commands; a project is an existing directory"
	if similar := nearest(command, args[0]); similar != "" {
		next = fmt.Sprintf("did you mean `worldsetup %s`?", similar)
	}
	return usage(next, "unknown command %q, and no directory of that name", args[0])
}

// helpCommand returns cobra's own, except that an unknown topic is an error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", GroupID: commandsOfMore, Short: "help about a command, or exit-codes",
		RunE: func(_ *cobra.Command, args []string) error {
			command, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usage("`worldsetup help` lists the commands", "no help for %q", strings.Join(args, " "))
			}
			command.InitDefaultHelpFlag()
			command.InitDefaultVersionFlag()
			return command.Help()
		},
	}
}

// versionLine is what --version prints.
func versionLine() string { return "worldsetup " + version() + "\n" }

// version describes this build.
func version() string {
	v := versionOf()
	parts := []string{v.Go, v.OS + "/" + v.Arch}
	if v.Commit != "" {
		parts = append([]string{strings.TrimSpace("commit " + v.Commit[:min(12, len(v.Commit))] + " " + v.Date)}, parts...)
	}
	return fmt.Sprintf("%s (%s)", v.Version, strings.Join(parts, ", "))
}

// versionOf returns what the Go toolchain knows of this build: the module's version, and the commit with its date when
// it was built from a clone.
func versionOf() versionObject {
	v := versionObject{Version: "(unknown)", Go: runtime.Version(), OS: platform.OS(), Arch: platform.Arch(),
		Lima: limaRange{Minimum: lima.MinimumVersion.String(), Tested: lima.TestedVersions()}}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Version = info.Main.Version
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				v.Commit = setting.Value
			case "vcs.time":
				v.Date = setting.Value
			}
		}
	}
	return v
}
