package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mattn/go-shellwords"

	"github.com/atomize-hq/worldsetup/internal/demo"
	"github.com/atomize-hq/worldsetup/provision"
)

// documented returns the documents for users, with their text.
func documented(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../deploy/*.md", "../../.github/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if name := filepath.Base(path); name != "tested-on.md" && name != "CHANGELOG.md" { // others' words, and old ones
				texts[name] = string(text)
			}
		}
	}
	if len(texts) < 8 {
		t.Fatalf("%d documents", len(texts))
	}
	return texts
}

var (
	consoleBlocks = regexp.MustCompile("(?ms)^```console\n(.*?)^```")
	prompts       = regexp.MustCompile(`(?m)^\$ (.*)$`)
	inline        = regexp.MustCompile("`((?:worldsetup|make) [^`\n]+)`")
	comment       = regexp.MustCompile(`\s{2,}#.*$`)
)

// notRun are the commands that the test only parses, with the reason.
var notRun = map[string]string{
	"shell": "it replaces the process", "logs": "there is no log before a run", "demo": "it takes as long as it is shown",
	"restore": "no VM is kept", "trust": "there is no file to trust", "status --watch": "it does not end",
	"check agent": "the simulated machine has few checks", "check limactl": "likewise",
	"check --fix": "likewise", "bundle": "it asks, and calls the tools of this machine", "man": "it writes to your home",
	"start --vm dev": "there is no such VM", "stage": "the world has no copy",
	"init": "TestScripts does", "trust --yes": "there is no file to trust", "remove": "TestScripts does",
}

// ranBy tells of the other commands which test or script runs them: a file, and what it has of them. What is not in it
// must not be in a document.
var ranBy = []struct{ begin, file, has string }{
	{"git clone ", "scripts/reproducible.sh", "git clone "},
	{"make check", ".github/workflows/hosted.yml", "run: make check\n"},
	{"make install PREFIX=~/.local", "scripts/scripts_test.go", "make install PREFIX=~/.local"},
	{"go install github.com/atomize-hq/worldsetup/cmd/worldsetup@latest", "scripts/install-check.sh",
		`go install "$module/cmd/worldsetup@latest"`},
	{"limactl shell ", "e2e/readme_test.go", `"limactl shell "`},
	{"curl ", "e2e/readme_test.go", `"curl "`},
	{"scripts/upstream-contract ", "internal/upstream/upstream_test.go", "func Test"}, // the program behind it
	{"ansible-playbook -i HOSTS deploy/ansible/playbook.yml", "deploy/ansible/role_linux_test.go", `"playbook.yml"`},
	// The way back to lima-warm.sh, which the test goes as well.
	{"limactl stop substrate", "e2e/warm_test.go", `w.limactl(t, "stop", vm)`},
	{"cd ~/.lima/substrate", "e2e/warm_test.go", "w.dir, vm"},
	{"cp lima.yaml.before-worldsetup lima.yaml", "e2e/warm_test.go", "os.Rename(kept, config)"},
	{"rm worldsetup-world", "e2e/warm_test.go", `"worldsetup-world"`},
	{"limactl unprotect substrate", "e2e/warm_test.go", `w.limactl(t, "unprotect", vm)`},
}

// wantRunElsewhere checks that a command that is not worldsetup's is run by what the table names.
func wantRunElsewhere(t *testing.T, document, command string) {
	t.Helper()
	if command, _ := strings.CutPrefix(command, "sudo "); strings.HasPrefix(command, "worldsetup ") ||
		command == "worldsetup" {
		return
	}
	for _, row := range ranBy {
		if !strings.HasPrefix(command, row.begin) {
			continue
		}
		if text, err := os.ReadFile(filepath.Join("../..", row.file)); err != nil ||
			!strings.Contains(string(text), row.has) {
			t.Errorf("%s: %s: not run by %s: %v", document, command, row.file, err)
		}
		return
	}
	t.Errorf("%s: %s: nothing runs it", document, command)
}

// TestDocumentedCommands runs each command of worldsetup in the documents as it is printed, on a healthy simulated
// world, and checks that the others are commands.
func TestDocumentedCommands(t *testing.T) {
	ran := map[string]bool{}
	for name, text := range documented(t) {
		for _, block := range consoleBlocks.FindAllStringSubmatch(text, -1) {
			for _, match := range prompts.FindAllStringSubmatch(block[1], -1) {
				command := comment.ReplaceAllString(match[1], "")
				wantRunElsewhere(t, name, command)
				if parseDocumented(t, name, command) && !ran[command] {
					ran[command] = true
					t.Run(command, func(t *testing.T) { runDocumented(t, name, command) }) // in a directory of its own
				}
			}
		}
		for _, match := range inline.FindAllStringSubmatch(text, -1) {
			parseDocumented(t, name, match[1])
		}
	}
	if len(ran) < 10 {
		t.Errorf("only %d commands were run", len(ran))
	}
}

// parseDocumented checks that a command is one, with flags that it has, and reports whether it is to be run.
func parseDocumented(t *testing.T, document, line string) (run bool) {
	t.Helper()
	command, _, _ := strings.Cut(line, " | ")
	words, err := shellwords.Parse(strings.NewReplacer("…", "", "'\\''", "").Replace(command))
	if err != nil || len(words) == 0 {
		t.Errorf("%s: %s: %v", document, line, err)
		return false
	}
	switch words[0] {
	case "sudo":
		words = words[1:]
	case "worldsetup":
		return parsesAsOurs(t, document, line, words[1:])
	}
	switch words[0] {
	case "make":
		makefile, err := os.ReadFile("../../Makefile")
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range words[1:] {
			if !strings.Contains(target, "=") && !strings.Contains(string(makefile), "\n"+target+":") {
				t.Errorf("%s: %s: no such target: %s", document, line, target)
			}
		}
	case "go":
		if i := slices.IndexFunc(words, func(word string) bool { return strings.Contains(word, "/cmd/") }); i >= 0 {
			path, _, _ := strings.Cut(words[i], "@")
			path = strings.TrimPrefix(path, "github.com/atomize-hq/worldsetup/")
			if _, err := os.Stat(filepath.Join("../..", path)); err != nil {
				t.Errorf("%s: %s: %v", document, line, err)
			}
		}
	}
	return false
}

func parsesAsOurs(t *testing.T, document, line string, args []string) (run bool) {
	t.Helper()
	command, rest, err := newRoot().Find(args)
	if err != nil {
		t.Errorf("%s: %s: %v", document, line, err)
		return false
	}
	command.InitDefaultHelpFlag()
	if err := command.ParseFlags(rest); err != nil && !slices.ContainsFunc(args, isPlaceholder) {
		t.Errorf("%s: %s: %v", document, line, err)
	}
	for prefix := range notRun {
		if strings.HasPrefix(strings.Join(args, " "), prefix) {
			return false
		}
	}
	return true
}

// isPlaceholder reports whether a word stands for others, as in --vm NAME.
func isPlaceholder(word string) bool {
	_, value, _ := strings.Cut(word, "=")
	return regexp.MustCompile(`^[A-Z]{2,}$`).MatchString(word) || regexp.MustCompile(`^[A-Z]{2,}$`).MatchString(value)
}

// runDocumented runs a command as it is printed, with jq behind it where this machine has that.
func runDocumented(t *testing.T, document, line string) {
	t.Helper()
	healthy := slices.IndexFunc(demo.Scenarios, func(s demo.Scenario) bool { return s.Name == "healthy" })
	world, err := demo.New(demo.Scenarios[healthy], 1e6)
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	home := os.Getenv("HOME")
	for _, dir := range []string{"src/app", "src/project", "work"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(home, "work"))
	command, filter, piped := strings.Cut(line, " | ")
	words, err := shellwords.Parse(command)
	if err != nil {
		t.Fatal(err)
	}
	for i, word := range words {
		if strings.HasPrefix(word, "~/") {
			words[i] = filepath.Join(home, word[2:])
		}
	}
	var out, errs strings.Builder
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	maker := func(setup provision.Setup) engine {
		setup.Spec.Agent = world.Spec().Agent
		return world.Engine(setup)
	}
	getenv := func(name string) string { return map[string]string{"HOME": home}[name] }
	code := runWith(ctx, cancel, maker, words[1:], streams{Out: &out, Err: &errs, Getenv: getenv})
	if code != 0 || out.Len() == 0 && !slices.Contains(words, "--quiet") {
		t.Errorf("%s: %s: exit code %d\n%s%s", document, line, code, out.String(), errs.String())
	}
	if !piped {
		return
	}
	words, err = shellwords.Parse(filter)
	if _, missing := exec.LookPath("jq"); missing != nil || err != nil || words[0] != "jq" {
		t.Logf("not filtered: %s", filter)
		return
	}
	jq := exec.Command(words[0], words[1:]...)
	jq.Stdin = strings.NewReader(out.String())
	if filtered, err := jq.CombinedOutput(); err != nil {
		t.Errorf("%s: %s: %v: %s\nof %s", document, line, err, filtered, out.String())
	}
}
