package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand returns the command that writes the manual pages, which are made from the commands' help texts. They are
// written here: cobra's own writer brings a reader of Markdown and one of YAML, and they make every start slower.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "write the manual pages to a directory",
		Example: examples("worldsetup man ~/.local/share/man/man1"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("name it: worldsetup man DIR", "expected one directory, got %d", len(args))
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			err := os.MkdirAll(args[0], 0o755) // a new account has none
			if err == nil {
				err = writeManPages(args[0], command.Root(), manDate(a.getenv))
			}
			if err != nil {
				return usage("name a directory that you can write to", "the manual pages can't be written: %v", err)
			}
			a.stdout().printf("wrote the manual pages to %s", args[0])
			return nil
		},
	}
}

// manDate is the date of the pages: that of SOURCE_DATE_EPOCH (seconds), by which packagers get the same files twice.
func manDate(getenv func(string) string) time.Time {
	if seconds, err := strconv.ParseInt(getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	return time.Now().UTC()
}

// writeManPages writes the pages of a command and of all below it.
func writeManPages(dir string, command *cobra.Command, date time.Time) error {
	for _, below := range command.Commands() {
		if below.IsAvailableCommand() && !below.IsAdditionalHelpTopicCommand() {
			if err := writeManPages(dir, below, date); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(filepath.Join(dir, manName(command)+".1"), []byte(manPage(command, date)), 0o644)
}

func manName(command *cobra.Command) string {
	return strings.ReplaceAll(command.CommandPath(), " ", "-")
}

// manPage returns the manual page of a command, in the macros of man(7).
func manPage(command *cobra.Command, date time.Time) string {
	command.InitDefaultHelpFlag()
	var page strings.Builder
	add := func(format string, texts ...any) { fmt.Fprintf(&page, format+"\n", texts...) }
	add(`.TH "%s" "1" "%s" "worldsetup" "worldsetup"`, roff(strings.ToUpper(manName(command))), date.Format("Jan 2006"))
	add(".nh\n.ad l\n.SH NAME\n%s \\- %s", roff(manName(command)), roff(command.Short))
	add(".SH SYNOPSIS\n.B %s", roff(command.UseLine()))
	description := command.Long
	if description == "" {
		description = command.Short
	}
	add(".SH DESCRIPTION")
	for i, paragraph := range strings.Split(description, "\n\n") {
		if i > 0 {
			add(".PP")
		}
		if strings.HasPrefix(paragraph, " ") {
			add(".EX\n%s\n.EE", roff(paragraph))
			continue
		}
		add("%s", roff(paragraph))
	}
	add(".SH OPTIONS")
	command.NonInheritedFlags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			manFlag(add, flag)
		}
	})
	if command.Example != "" {
		add(".SH EXAMPLES\n.EX\n%s\n.EE", roff(command.Example))
	}
	if also := manSeeAlso(command); len(also) > 0 {
		add(".SH SEE ALSO\n%s", strings.Join(also, ",\n"))
	}
	return page.String()
}

func manFlag(add func(string, ...any), flag *pflag.Flag) {
	value, words := pflag.UnquoteUsage(flag)
	names := `\fB` + roff("--"+flag.Name) + `\fR`
	if flag.Shorthand != "" {
		names = `\fB` + roff("-"+flag.Shorthand) + `\fR, ` + names
	}
	if value != "" && flag.NoOptDefVal == "" {
		names += ` \fI` + roff(value) + `\fR`
	}
	add(".TP\n%s\n%s", names, roff(words))
}

func manSeeAlso(command *cobra.Command) (pages []string) {
	reference := func(to *cobra.Command) { pages = append(pages, `\fB`+roff(manName(to))+`\fR(1)`) }
	if command.HasParent() {
		reference(command.Parent())
	}
	for _, below := range command.Commands() {
		if below.IsAvailableCommand() && !below.IsAdditionalHelpTopicCommand() {
			reference(below)
		}
	}
	return pages
}

// roff returns a text as roff shows it: what has a meaning there is escaped.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
