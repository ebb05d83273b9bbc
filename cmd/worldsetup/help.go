package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// The groups of flags in the help texts, in the order in which they are shown; the first one has all others.
const (
	groupOther   = "Flags"
	groupVM      = "The VM"
	groupAgent   = "The agent"
	groupConsent = "Consent"
	groupRun     = "The run"
	groupOutput  = "Output"
)

var flagGroups = []string{groupOther, groupVM, groupAgent, groupConsent, groupRun, groupOutput}

// groupOf are the groups of the options that do not describe the VM.
var groupOf = map[string]string{
	"agent": groupAgent, "rebuild-agent": groupAgent, "netfilter": groupAgent,
	"build-profile": groupAgent, "skip-guest-build": groupAgent,
	"replace": groupConsent, "remove": groupConsent, "adopt": groupConsent, "allow": groupConsent,
	"keep-old": groupConsent,
	"wait":     groupRun, "timeout": groupRun,
}

// groupKey is the key of a flag's group in its annotations.
const groupKey = "worldsetup_group"

// group puts flags of a command into a group of its help text.
func group(command *cobra.Command, name string, flags ...string) {
	for _, flag := range flags {
		_ = command.Flags().SetAnnotation(flag, groupKey, []string{name}) // the flag is there
	}
}

// examples returns commands as the examples of a help text.
func examples(commands ...string) string { return "  " + strings.Join(commands, "\n  ") }

// flagUsages returns the help text of a command's flags, in groups, in lines that fit the terminal.
func (a *app) flagUsages(command *cobra.Command) string {
	sets := map[string]*pflag.FlagSet{}
	for _, name := range flagGroups {
		sets[name] = pflag.NewFlagSet(name, pflag.ContinueOnError)
		sets[name].SortFlags = false
	}
	command.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		name := groupOther
		if in := flag.Annotations[groupKey]; len(in) == 1 {
			name = in[0]
		}
		sets[name].AddFlag(flag)
	})
	var text strings.Builder
	for _, name := range flagGroups[1:] {
		addUsages(&text, name, sets[name], width(a.streams.Out))
	}
	addUsages(&text, flagGroups[0], sets[flagGroups[0]], width(a.streams.Out))
	return unvalued.Replace(strings.TrimRight(text.String(), "\n"))
}

// unvalued takes out what pflag adds to a flag that may be given without a value.
var unvalued = strings.NewReplacer("[=/]", "    ", `[="?"]`, "      ")

// prose is a text of a help page, wrapped at the terminal's width: in paragraphs, and lines that are indented.
func (a *app) prose(text string) string {
	var wrapped strings.Builder
	to := &lines{to: &wrapped, utf8: true, width: min(width(a.streams.Out), maxProse)}
	if to.width == 0 {
		return text
	}
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if wrapped.Len() > 0 {
			to.write("")
		}
		line := ""
		for next := range strings.Lines(paragraph) {
			next = strings.TrimRight(next, "\n")
			if line != "" && strings.HasPrefix(next, " ") {
				to.drawn(line)
				line = ""
			}
			line = strings.TrimLeft(line+" ", " ") + next
		}
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		to.flow(line, when(indent != "", indent+"    "))
	}
	return strings.TrimRight(wrapped.String(), "\n")
}

// maxProse is how wide a text may be that reads well.
const maxProse = 110

func when(ok bool, words string) string {
	if ok {
		return words
	}
	return ""
}

func addUsages(text *strings.Builder, name string, flags *pflag.FlagSet, width int) {
	if usages := flags.FlagUsagesWrapped(width); usages != "" {
		fmt.Fprintf(text, "%s:\n%s\n", name, usages)
	}
}

// setUpHelp makes the help texts of root and of the commands below it.
func (a *app) setUpHelp(root *cobra.Command) {
	root.SetUsageFunc(func(command *cobra.Command) error {
		_, err := io.WriteString(command.OutOrStderr(), a.usage(command))
		return err
	})
	root.SetFlagErrorFunc(flagError)
	help := root.HelpFunc()
	root.SetHelpFunc(func(command *cobra.Command, args []string) {
		command.Long = a.prose(command.Long)
		help(command, args)
	})
}

// usage returns the help text of a command, after its description. Cobra's templates are not used: see package fields.
func (a *app) usage(command *cobra.Command) string {
	var text strings.Builder
	text.WriteString("Usage:")
	if command.Runnable() {
		text.WriteString("\n  " + command.UseLine())
	}
	if command.HasAvailableSubCommands() {
		text.WriteString("\n  " + command.CommandPath() + " [command]")
	}
	if command.HasExample() {
		text.WriteString("\n\nExamples:\n" + command.Example)
	}
	listed := func(title, group string) {
		var rows string
		for _, sub := range command.Commands() {
			if sub.GroupID == group && (sub.IsAvailableCommand() || sub.Name() == "help") {
				rows += fmt.Sprintf("\n  %-*s %s", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
		if rows != "" {
			text.WriteString("\n\n" + title + rows)
		}
	}
	for _, group := range command.Groups() {
		listed(group.Title, group.ID)
	}
	listed("Available Commands:", "")
	if command.HasAvailableLocalFlags() {
		text.WriteString("\n\n" + a.flagUsages(command))
	}
	if topics := helpTopics(command); topics != "" {
		text.WriteString("\n\nAdditional help topics:" + topics)
	}
	if command.HasAvailableSubCommands() {
		fmt.Fprintf(&text, "\n\nUse \"%s [command] --help\" for more information about a command.", command.CommandPath())
	}
	return text.String() + "\n"
}

// helpTopics lists the commands below a command that only have a help text.
func helpTopics(command *cobra.Command) (rows string) {
	for _, sub := range command.Commands() {
		if sub.IsAdditionalHelpTopicCommand() {
			rows += fmt.Sprintf("\n  %-*s %s", sub.CommandPathPadding(), sub.CommandPath(), sub.Short)
		}
	}
	return rows
}

// flagError explains a flag that can't be parsed.
func flagError(command *cobra.Command, err error) error {
	next := "`" + command.CommandPath() + " --help` lists the flags"
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if advice := adviseFlag(command, unknown.GetSpecifiedName()); advice != "" {
			next = advice + " " + next
		}
	}
	return usage(next, "%v", err)
}

// adviseFlag returns which flag may be meant by an unknown name: a similar one, or the same of another command.
func adviseFlag(command *cobra.Command, name string) string {
	if similar := similarFlag(command.Flags(), name); similar != "" {
		return "did you mean --" + similar + "?"
	}
	for _, other := range append(command.Root().Commands(), command.Root()) {
		if flag := other.Flags().Lookup(name); flag != nil && !flag.Hidden && len(name) > 1 {
			return fmt.Sprintf("`%s` has --%s;", other.CommandPath(), name)
		}
	}
	return ""
}

// similarFlag returns the flag whose name is nearest to name, as cobra finds similar commands; empty for none.
func similarFlag(flags *pflag.FlagSet, name string) string {
	names := &cobra.Command{SuggestionsMinimumDistance: 2}
	flags.VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			names.AddCommand(&cobra.Command{Use: flag.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	if len(name) > 1 {
		return nearest(names, name)
	}
	return ""
}

// nearest returns the command that a mistyped name most likely means, by cobra's own measure and then by its length;
// empty for none.
func nearest(command *cobra.Command, name string) string {
	similar := command.SuggestionsFor(name)
	if len(similar) == 0 {
		return ""
	}
	return slices.MinFunc(similar, func(a, b string) int {
		return max(len(a)-len(name), len(name)-len(a)) - max(len(b)-len(name), len(name)-len(b))
	})
}

// The groups of commands.
const (
	commandsOfWorld   = "world"
	commandsOfMachine = "machine"
	commandsOfMore    = "more"
)

// addCommands adds commands to root, in groups.
func addCommands(root *cobra.Command, id, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: id, Title: title})
	for _, command := range commands {
		command.GroupID = id
		root.AddCommand(command)
	}
}

// versionObject is the JSON form of the version.
type versionObject struct {
	Schema  int       `json:"schema"`
	Version string    `json:"version"`
	Commit  string    `json:"commit,omitempty"`
	Date    string    `json:"date,omitempty"` // of the commit
	Go      string    `json:"go"`
	OS      string    `json:"os"`
	Arch    string    `json:"arch"`
	Lima    limaRange `json:"lima"`
}

// limaRange is which versions of Lima worldsetup works with.
type limaRange struct {
	Minimum string   `json:"minimum"` // older ones are refused
	Tested  []string `json:"tested"`  // the oldest first
}

// addVersionFlag adds --version. Cobra's own has -v, which is verbose elsewhere, and prints by a template.
func (a *app) addVersionFlag(root *cobra.Command) {
	asked := root.Flags().Bool("version", false, "print the version")
	arguments, run := root.Args, root.RunE
	root.Args = func(command *cobra.Command, args []string) error {
		if *asked {
			return nil
		}
		return arguments(command, args)
	}
	root.RunE = func(command *cobra.Command, args []string) error {
		if *asked {
			inJSON, _ := command.Flags().GetBool("json") // the flag is there
			a.showVersion(inJSON)
			return nil
		}
		return run(command, args)
	}
}

// versionCommand returns the command that prints the version.
func (a *app) versionCommand() *cobra.Command {
	command := &cobra.Command{Use: "version", Short: "print the version", Args: noArguments,
		Example: examples("worldsetup version", "worldsetup version --json")}
	asked := command.Flags().Bool("json", false, "one JSON object, for scripts")
	command.Run = func(*cobra.Command, []string) {
		if a.showVersion(*asked); !*asked {
			a.stdout().drawn("", lima.TestedRange())
		}
	}
	return command
}

// showVersion prints the version, as a line or as an object.
func (a *app) showVersion(inJSON bool) {
	if !inJSON {
		a.stdout().drawn(strings.TrimSuffix(versionLine(), "\n"))
		return
	}
	object := versionOf()
	object.Schema = provision.Schema
	a.json.result(object)
}
