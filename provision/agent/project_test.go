package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// write writes a file below dir, with its directories.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A repository of a stranger named members all over the machine: 24 s for twenty patterns.
func TestMembersStayInTheProject(t *testing.T) {
	outside := t.TempDir()
	write(t, outside, "secret/Cargo.toml", "[package]\nname = \"secret\"\n")
	for name, members := range map[string][]string{
		"out by dots":        {"../" + filepath.Base(outside) + "/*", "a/../../" + filepath.Base(outside) + "/secret"},
		"absolute":           {outside + "/*", outside + "/secret"},
		"through a link":     {"link/*", "link/secret", "*/secret", "one"},
		"the whole machine":  slicesOf(20, "../../../../usr/*/*/*/*/*"),
		"a loop":             slicesOf(20, "*/*/*/*/*/*/*/*/*/*/*/*"),
		"the same many more": slicesOf(20_000, "a/*/*"),
	} {
		t.Run(name, func(t *testing.T) {
			project := t.TempDir()
			for link, target := range map[string]string{
				"link": outside, "one": filepath.Join(outside, "secret"), "loop": ".", "loop2": ".", "loop3": "loop",
			} {
				if err := os.Symlink(target, filepath.Join(project, link)); err != nil {
					t.Fatal(err)
				}
			}
			write(t, project, "a/b/Cargo.toml", "[package]\nname = \"inside\"\n")
			write(t, project, "Cargo.toml", fmt.Sprintf("[workspace]\nmembers = [\"a/b\", %s]\n",
				`"`+strings.Join(members, `", "`)+`"`))
			_, err := findPackage(project, layout.AgentV1.Package, false) // without bounds it takes minutes
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func slicesOf(n int, text string) []string {
	return strings.Split(strings.Repeat(text+"\n", n-1)+text, "\n")
}

// A link inside of the project is as good as a file, whether it is absolute or not; others are not followed.
func TestLinksStayInTheProject(t *testing.T) {
	outside, project := t.TempDir(), t.TempDir()
	program, err := os.ReadFile(filepath.Join("/proc", "self", "exe"))
	if err != nil {
		t.Skip("no program of Linux at hand")
	}
	arch := limatype.NewArch("amd64")
	if checkELF(program, arch) != nil {
		t.Skip("no such program at hand")
	}
	inside, away := write(t, project, "build/agent", string(program)), write(t, outside, "agent", string(program))
	for _, one := range []struct {
		target string
		found  bool
	}{{"../../build/agent", true}, {inside, true}, {away, false}, {"../../../" + filepath.Base(outside) + "/agent",
		false}} {
		link := filepath.Join(project, "bin/linux/world-agent")
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(link)
		if err := os.Symlink(one.target, link); err != nil {
			t.Fatal(err)
		}
		found, rejected, err := Find("", project, arch, layout.All)
		if err != nil || (found != nil) != one.found {
			t.Errorf("%s: got %v, %v, %v", one.target, found != nil, rejected, err)
		}
		if !one.found && (len(rejected) != 1 || !strings.Contains(rejected[0].Why, "outside of the project")) {
			t.Errorf("%s: rejected: %v", one.target, rejected)
		}
	}
}

// Nesting must not end the program: Go ends it when the stack is full.
func TestDeepTOML(t *testing.T) {
	deep := func(begin, level string, size int) string { return begin + strings.Repeat(level, (size-20)/len(level)) }
	for name, text := range map[string]string{
		"arrays": deep("a = ", "[", maxManifest), "tables": deep("a = ", "{a=", maxManifest),
		"a dotted key": deep("a", ".a", maxManifest) + " = 1", "a header": deep("[a", ".a", maxManifest) + "]",
		"texts":       deep("a = ", `["]","""]""""",'''a\]''',`, maxManifest),
		"comments":    deep("a = ", "[ # ]\n", maxManifest),
		"escapes":     deep("a = ", `["\"]",`, maxManifest),
		"literals":    deep("a = ", `['\',`, maxManifest),
		"long texts":  deep("a = ", `["""\"""]"""",`, maxManifest),
		"quoted keys": deep(`"a"`, `."]"`, maxManifest) + " = 1",
	} {
		t.Run(name, func(t *testing.T) {
			project := t.TempDir()
			write(t, project, "Cargo.toml", text)
			if _, err := findPackage(project, layout.AgentV1.Package, false); err == nil ||
				!strings.Contains(err.Error(), "deeply") {
				t.Errorf("got %.80v", err)
			}
		})
	}
	for _, text := range []string{
		"", "a = 1\n", "[[package]]\n", "a = \"[[[[\"\n", "b = '''[[[\n[[[''''\n", "# [[[[\n", "a.b = 1.5\n",
	} {
		if tooDeep([]byte(strings.Repeat(text, 1000))) {
			t.Errorf("%q is not deep", text)
		}
	}
}
