package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/atomize-hq/worldsetup/internal/scenario"
	"github.com/atomize-hq/worldsetup/provision"
)

const madeFromCode = "<!-- Made from the code: go test ./cmd/worldsetup -update -->\n\n"

// variables are those of the environment that are no option's, with what they do.
var variables = map[string]string{
	"ACCESSIBLE":                "if set: plain lines in the place of the wizard, for screen readers",
	"CI":                        "unless empty, `0`, `no` or `false`: as `--non-interactive`",
	"HOME":                      "the home directory",
	"LC_ALL, LC_CTYPE, LANG":    "the first that is set decides whether characters beyond ASCII are shown",
	"LIMA_HOME":                 "Lima's home directory; `~/.lima` without it",
	"LOGNAME":                   "taken out of a bundle, as `USER` and `SUDO_USER` are",
	"NO_COLOR":                  "if set: no colours",
	"SUDO_USER":                 "taken out of a bundle",
	"TERM":                      "`dumb` or unset: plain lines in the place of the wizard",
	"USER":                      "taken out of a bundle",
	"WORLDSETUP_NO_MOUSE":       "if set: as `--no-mouse`",
	"WORLDSETUP_REDUCED_MOTION": "if set: no animations",
	"XDG_CONFIG_HOME":           "the directory of the user's own `worldsetup/worldsetup.yaml`; `~/.config` without it",
	"XDG_STATE_HOME":            "the directory of logs, in `worldsetup`; `~/.local/state` without it",
	"http_proxy, https_proxy, no_proxy": "in small or capital letters: how downloads leave this machine; given to " +
		"the VM by Lima",
	"QEMU_SYSTEM_X86_64, QEMU_SYSTEM_AARCH64": "the QEMU that Lima calls, with arguments; read for the acceleration",
}

// ownVariables are for pictures, tests and packagers.
var ownVariables = []string{"WORLDSETUP_DEMO_FREEZE", "ASMAC_ARCH", "ASMAC_ROOT", "SOURCE_DATE_EPOCH"}

// TestVariables: each variable that the code reads is in the table, and the other way round as far as that can be seen.
func TestVariables(t *testing.T) {
	read := map[string]bool{}
	for _, root := range []string{"../../cmd", "../../provision", "../../checks", "../../internal", "../../tui"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, "devhost") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok || len(call.Args) != 1 {
					return true
				}
				name := ""
				switch function := call.Fun.(type) {
				case *ast.Ident:
					name = function.Name
				case *ast.SelectorExpr:
					name = function.Sel.Name
				}
				if literal, ok := call.Args[0].(*ast.BasicLit); ok &&
					slices.Contains([]string{"getenv", "Getenv", "LookupEnv"}, name) {
					variable, _ := strconv.Unquote(literal.Value)
					read[variable] = true
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	documented := strings.Join(slices.Collect(maps.Keys(variables)), ", ")
	for variable := range read {
		if !slices.Contains(strings.Split(documented, ", "), variable) && !slices.Contains(ownVariables, variable) {
			t.Errorf("%s is read, and not in the table of variables", variable)
		}
	}
	if len(read) < 10 {
		t.Errorf("only %d variables were found", len(read))
	}
}

// commands returns root and all commands below it that are for people.
func commands(root *cobra.Command) (all []*cobra.Command) {
	root.InitDefaultHelpFlag()
	all = append(all, root)
	for _, command := range root.Commands() {
		if !command.Hidden {
			all = append(all, commands(command)...)
		}
	}
	return all
}

// newRoot returns the commands as a user has them.
func newRoot() *cobra.Command {
	return (&app{errors: &lines{}, getenv: func(string) string { return "" }}).rootCommand()
}

// cell makes text fit into a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}

// TestReference makes docs/reference.md: every command, flag and variable.
func TestReference(t *testing.T) {
	var text strings.Builder
	text.WriteString("# Reference\n\n" + madeFromCode +
		"All commands with their flags, and the variables that count. The keys of `worldsetup.yaml` are in\n" +
		"[config.md](config.md), the exit codes in [exit-codes.md](exit-codes.md), and what `--json` writes in\n" +
		"[events.md](events.md). `worldsetup COMMAND --help` shows the same, with the groups of flags.\n")
	for _, command := range commands(newRoot()) {
		if command.Name() == "help" || command.Parent() != nil && command.Parent().Name() == "completion" {
			continue
		}
		fmt.Fprintf(&text, "\n## %s\n\n%s.\n\n```\n%s\n```\n", command.CommandPath(), cell(command.Short),
			strings.TrimSuffix(command.UseLine(), " [flags]"))
		if command.Example != "" {
			fmt.Fprintf(&text, "\n```console\n%s\n```\n", regexp.MustCompile(`(?m)^  `).ReplaceAllString(command.Example, "$ "))
		}
		rows := ""
		command.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			if flag.Hidden || flag.Name == "help" {
				return
			}
			kind, usage := pflag.UnquoteUsage(flag)
			name := "--" + flag.Name
			if flag.Shorthand != "" {
				name = "-" + flag.Shorthand + ", " + name
			}
			rows += fmt.Sprintf("| `%s` | %s |\n", strings.TrimSpace(name+" "+kind), cell(usage))
		})
		if rows != "" {
			fmt.Fprintf(&text, "\n| flag | what it does |\n| --- | --- |\n%s", rows)
		}
	}
	text.WriteString("\n## Variables\n\nA flag beats its variable, and a variable beats the files.\n\n" +
		"| variable | what it does |\n| --- | --- |\n")
	all := maps.Clone(variables)
	for _, option := range options {
		for _, name := range option.env {
			all[name] = fmt.Sprintf("as `--%s`: %s", option.name, option.usage)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "| `%s` | %s |\n", strings.ReplaceAll(name, ", ", "`, `"), cell(all[name]))
	}
	golden(t, "../../docs/reference.md", text.String())
}

// troubleshooting is the beginning of docs/troubleshooting.md, with a tilde for each backtick.
const troubleshooting = "# Troubleshooting\n\n" + madeFromCode +
	`Run ~worldsetup~ again first: it repairs what it can, continues where it stopped, and changes nothing in a healthy
world. If that does not help:

| what you see | what to type |
| --- | --- |
` + "| the run ends before it changes anything, with exit code 3 | ~worldsetup check~ lists what this machine lacks, " +
	`and ~worldsetup check --fix~ repairs what it can; [checks.md](checks.md) |
| it asks to replace the VM, or ends with 4 | ~worldsetup plan~ shows why; the message has the flag that gives consent |
| it ends with 8 | a repair would interrupt more than was agreed to: ~worldsetup --allow=restart~ allows more |
| another run is in progress (7) | ~worldsetup --wait~ waits for it |
| the world is not ready (6) | ~worldsetup status -v~ shows each line of the report; look for its words below |
` + "| a step failed (5) | ~worldsetup logs~ shows the last run, ~worldsetup logs --agent~ the agent and " +
	`~worldsetup logs --console~ the VM's boot |
| none of this helps | ~worldsetup bundle~ writes an archive to attach to an issue |

[exit-codes.md](exit-codes.md) has all exit codes.

## By the words of the report

For each line of the report: words that it may show, what can be the cause, and what a run does about it. The rows are
the damages that worldsetup is tested with, and the steps are those that the test expects.
`

// titles are the titles of the lines of a health report, by their ids.
func titles(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../provision/report.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{"mount-project": "mount of the project", "owner": "owner of the VM",
		"staged": "copy of the project", "names": "names in the guest", "substrate-gateway": "substrate-gateway"}
	pattern := regexp.MustCompile(`(?:\.(?:add|addCheck|addReasons)\(|\{)\s*"([a-z-]+)",\s*"([^"]+)"`)
	for _, match := range pattern.FindAllStringSubmatch(string(text), -1) {
		found[match[1]] = match[2]
	}
	pattern = regexp.MustCompile(`\(itemGuestAccess, "([^"]+)"`)
	if match := pattern.FindStringSubmatch(string(text)); match != nil {
		found["guest-access"] = match[1]
	}
	return found
}

// TestTroubleshooting makes docs/troubleshooting.md from the table of damaged worlds.
func TestTroubleshooting(t *testing.T) {
	rows, order := map[string][]string{}, []string{}
	for _, row := range scenario.All() {
		if row.Known != "" || len(row.Faults) != 1 {
			continue
		}
		for _, sight := range row.Sees {
			if sight.Words == "" {
				continue
			}
			if rows[sight.Item] == nil {
				order = append(order, sight.Item)
			}
			line := fmt.Sprintf("| %s | %s | %s |\n", cell(sight.Words), cell(row.Name), cell(remedy(row)))
			if !slices.Contains(rows[sight.Item], line) {
				rows[sight.Item] = append(rows[sight.Item], line)
			}
		}
	}
	var text strings.Builder
	text.WriteString(strings.ReplaceAll(troubleshooting, "~", "`"))
	known := titles(t)
	slices.Sort(order)
	for _, item := range order {
		if known[item] == "" {
			t.Errorf("%s has no title", item)
		}
		fmt.Fprintf(&text, "\n### %s (`%s`)\n\n| words | a cause | what a run does |\n| --- | --- | --- |\n%s", known[item],
			item, strings.Join(rows[item], ""))
	}
	golden(t, "../../docs/troubleshooting.md", text.String())
}

// remedy is what a run does about a damage, in words.
func remedy(row scenario.Scenario) string {
	var steps []string
	for _, id := range row.Want {
		steps = append(steps, id.Title())
	}
	words := strings.Join(steps, ", ")
	switch {
	case row.Kind == "" && words == "":
		return "nothing has to be done"
	case row.Kind == "":
		return words
	case row.Kind == provision.KindReplacement:
		return "it asks for consent to a replacement (exit code 4)"
	}
	code := exitCode(&provision.Error{Kind: row.Kind})
	if words != "" {
		words += "; then "
	}
	said := ""
	if len(row.Says) > 0 {
		said = ": `" + strings.Join(row.Says, "`, `") + "`"
	}
	return fmt.Sprintf("%sit ends with %d, names the cause, and what to type%s", words, code, said)
}
