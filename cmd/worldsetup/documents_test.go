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

	"github.com/goccy/go-yaml"
	"github.com/mattn/go-shellwords"

	"github.com/atomize-hq/worldsetup/internal/demo"
	"github.com/atomize-hq/worldsetup/provision"
)

// documented returns the documents for users: their text by their path.
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
			name, err := filepath.Rel("../..", path)
			if err != nil {
				t.Fatal(err)
			}
			if name != "docs/tested-on.md" && name != "CHANGELOG.md" { // others' words, and old ones
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

// setting is what a documented command needs, and how it ends, other than on a healthy world with exit code 0.
type setting struct {
	before []string // commands that run first
	file   string   // the text of worldsetup.yaml in the projects
	code   int      // such as 4, of a command that asks: no one answers here
	until  string   // what it prints before it is interrupted
}

const (
	beyond      = "agent: /usr/bin/agent\n" // a setting that has to be trusted
	otherWorld  = "worldsetup --vm dev --agent builtin"
	replacement = "worldsetup --disk 10GiB --replace=substrate --keep-old"
)

var settings = map[string]setting{
	"worldsetup trust ~/src/app":              {file: beyond, code: 2},
	"worldsetup trust ~/src/project":          {file: beyond, code: 2},
	"worldsetup trust --yes":                  {file: beyond},
	"worldsetup trust --yes ~/src/project":    {file: beyond},
	"worldsetup logs":                         {before: []string{"worldsetup --agent builtin"}},
	"worldsetup remove":                       {code: 4},
	"worldsetup remove --all":                 {code: 4},
	"worldsetup remove --vm dev --remove=dev": {before: []string{otherWorld}},
	"worldsetup start --vm dev":               {before: []string{otherWorld, "worldsetup stop --vm dev"}},
	"worldsetup stage":                        {before: []string{"worldsetup --layout staged-v2"}},
	"worldsetup stage ~/src/app --json":       {before: []string{"worldsetup --layout staged-v2 ~/src/app"}},
	"worldsetup restore":                      {before: []string{replacement}, code: 4},
	"worldsetup restore --replace=substrate":  {before: []string{replacement}},
	"worldsetup demo":                         {until: "[1/", code: 130},
	"worldsetup status --watch --timeout 10m": {until: "ready", code: 130},
}

// inScripts are the commands that testdata/script runs, as they are written there: the program becomes another one, or
// needs a machine that lacks something.
var inScripts = []string{
	"worldsetup shell", "worldsetup shell -- cargo test", "worldsetup shell --workdir / -- ls -l",
	"worldsetup logs --agent --follow", "worldsetup logs --console", "worldsetup check --fix limactl qemu",
	"worldsetup bundle", "worldsetup bundle --yes --output report.tar.gz",
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
	ran, scripted := map[string]bool{}, scriptedCommands(t)
	for _, command := range inScripts {
		if ran[command] = true; !slices.Contains(scripted, command) {
			t.Errorf("no script runs %s", command)
		}
	}
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
	for command := range settings {
		if !ran[command] {
			t.Errorf("no document has %s", command)
		}
	}
}

// blockTests tells which test holds what a block of code says, by its language and, where need be, its document.
var blockTests = map[string]string{
	"console":               "TestDocumentedCommands",
	"sh":                    "TestDocumentedShell",
	"json":                  "events_doc_test.go",
	"go":                    "TestLibraryDocument",
	"yaml docs/config.md":   "config_doc_test.go",
	"yaml deploy/README.md": "TestDocumentedAction",
	" docs/reference.md":    "TestReference",
	" docs/architecture.md": "none: it is a drawing",
}

// TestBlocksAreTested holds that no document has a block of code which no test knows.
func TestBlocksAreTested(t *testing.T) {
	for name, text := range documented(t) {
		opens := false
		for _, match := range regexp.MustCompile("(?m)^ *```(.*)$").FindAllStringSubmatch(text, -1) {
			if opens = !opens; opens && blockTests[match[1]] == "" && blockTests[match[1]+" "+name] == "" {
				t.Errorf("%s: no test knows its blocks of %q", name, match[1])
			}
		}
	}
}

// TestDocumentedShell checks that a shell reads the lines for one, and that what they call of worldsetup is a command.
func TestDocumentedShell(t *testing.T) {
	lines := 0
	for name, text := range documented(t) {
		for _, block := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(text, -1) {
			lines++
			if out, err := exec.Command("sh", "-nc", block[1]).CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s\n%s", name, err, out, block[1])
			}
			for _, call := range regexp.MustCompile(`\bworldsetup( -[^'&|]*| [a-z][^'&|]*)`).FindAllString(block[1], -1) {
				parseDocumented(t, name, call)
			}
		}
	}
	if lines == 0 {
		t.Error("there is none")
	}
}

// TestDocumentedAction checks that the documented call of our GitHub action names inputs that it has.
func TestDocumentedAction(t *testing.T) {
	action, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var steps []struct {
		Uses, Run string
		With      map[string]any
	}
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```").FindSubmatch(readme)
	if block == nil || yaml.Unmarshal(block[1], &steps) != nil {
		t.Fatalf("no list of steps: %s", block)
	}
	var defined struct{ Inputs map[string]any }
	if err := yaml.Unmarshal(action, &defined); err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, step := range steps {
		if strings.HasPrefix(step.Run, "worldsetup ") {
			parseDocumented(t, "deploy/README.md", step.Run)
		}
		if !strings.HasPrefix(step.Uses, "atomize-hq/worldsetup@") {
			continue
		}
		calls++
		for input := range step.With {
			if _, ok := defined.Inputs[input]; !ok {
				t.Errorf("the action has no input %q", input)
			}
		}
	}
	if calls != 1 {
		t.Errorf("%d calls of the action", calls)
	}
}

// scriptedCommands returns the commands that testdata/script runs.
func scriptedCommands(t *testing.T) (commands []string) {
	t.Helper()
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^exits \d+ (worldsetup .*)$`).FindAllStringSubmatch(string(text), -1) {
			commands = append(commands, match[1])
		}
	}
	return commands
}

// parseDocumented checks that a command is one, with flags that it has, and reports whether it is worldsetup's.
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
	return true
}

// isPlaceholder reports whether a word stands for others, as in --vm NAME.
func isPlaceholder(word string) bool {
	_, value, _ := strings.Cut(word, "=")
	return regexp.MustCompile(`^[A-Z]{2,}$`).MatchString(word) || regexp.MustCompile(`^[A-Z]{2,}$`).MatchString(value)
}

// documentedWorld is a healthy simulated world, with a home directory that has the documents' projects.
type documentedWorld struct {
	*demo.World
	home string
}

func newDocumentedWorld(t *testing.T, file string) documentedWorld {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	healthy := slices.IndexFunc(demo.Scenarios, func(s demo.Scenario) bool { return s.Name == "healthy" })
	world, err := demo.New(demo.Scenarios[healthy], 1e6)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	for _, dir := range []string{"src/app", "src/project", "work"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if file == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(home, dir, "worldsetup.yaml"), []byte(file), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(home, "work"))
	return documentedWorld{world, home}
}

// run runs a command, and interrupts it once it has printed until, unless that is empty.
func (w documentedWorld) run(t *testing.T, command, until string) (code int, stdout, stderr string) {
	t.Helper()
	words, err := shellwords.Parse(command)
	if err != nil {
		t.Fatal(err)
	}
	for i, word := range words {
		if strings.HasPrefix(word, "~/") {
			words[i] = filepath.Join(w.home, word[2:])
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	out, errs := &seen{until: until, then: func() { cancel(nil) }}, &strings.Builder{}
	maker := func(setup provision.Setup) engine {
		setup.Spec.Agent = w.Spec().Agent
		return w.Engine(setup)
	}
	getenv := func(name string) string { return map[string]string{"HOME": w.home}[name] }
	code = runWith(ctx, cancel, maker, words[1:], streams{Out: out, Err: errs, Getenv: getenv})
	return code, out.String(), errs.String()
}

// seen is an output that calls then once it has until.
type seen struct {
	strings.Builder
	until string
	then  func()
}

func (s *seen) Write(text []byte) (int, error) {
	n, err := s.Builder.Write(text)
	if s.until != "" && strings.Contains(s.String(), s.until) {
		s.then()
	}
	return n, err
}

// runDocumented runs a command as it is printed, with jq behind it where this machine has that.
func runDocumented(t *testing.T, document, line string) {
	t.Helper()
	setting := settings[line]
	world := newDocumentedWorld(t, setting.file)
	for _, command := range setting.before {
		if code, stdout, stderr := world.run(t, command, ""); code != 0 {
			t.Fatalf("%s: %s: exit code %d\n%s%s", line, command, code, stdout, stderr)
		}
	}
	command, filter, piped := strings.Cut(line, " | ")
	code, stdout, stderr := world.run(t, command, setting.until)
	if code != setting.code || stdout+stderr == "" && !strings.Contains(line, "--quiet") {
		t.Errorf("%s: %s: exit code %d\n%s%s", document, line, code, stdout, stderr)
	}
	if !piped {
		return
	}
	words, err := shellwords.Parse(filter)
	if _, missing := exec.LookPath("jq"); missing != nil || err != nil || words[0] != "jq" {
		t.Logf("not filtered: %s", filter)
		return
	}
	jq := exec.Command(words[0], words[1:]...)
	jq.Stdin = strings.NewReader(stdout)
	if filtered, err := jq.CombinedOutput(); err != nil {
		t.Errorf("%s: %s: %v: %s\nof %s", document, line, err, filtered, stdout)
	}
}
