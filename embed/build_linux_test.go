package embed_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
)

// builder is a guest's user and a project, on this machine, with a cargo that is a few lines of shell.
type builder struct{ home, project string }

func newBuilder(t *testing.T, cargo string) builder {
	t.Helper()
	b := builder{t.TempDir(), t.TempDir()}
	b.put(t, filepath.Join(b.project, "Cargo.toml"), "[package]\n")
	b.put(t, filepath.Join(b.home, ".cargo/bin/cargo"),
		"#!/bin/sh\nif [ $1 = --version ]; then echo 'cargo 1.78.0 (54d8815d0 2024-03-26)'; exit; fi\n"+cargo)
	b.put(t, filepath.Join(b.home, ".cargo/bin/rustc"), "#!/bin/sh\necho 'rustc 1.78.0 (9b00956e5 2024-04-29)'\n")
	b.put(t, filepath.Join(b.home, b.dir(), "left"), "by a run that was killed")
	return b
}

func (b builder) dir() string { return ".cache/build" }

func (b builder) put(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o700)); err != nil {
		t.Fatal(err)
	}
}

// run runs the script to its end; each gets every line, and may close its input.
func (b builder) run(t *testing.T, wantCargo string,
	each func(line string, input io.Closer)) (code int, output string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", embed.Build.Text, "build", b.dir(), b.project,
		"release", wantCargo, "any", "world-agent/world-agent")
	cmd.Env = append(os.Environ(), "HOME="+b.home)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	var text strings.Builder
	for lines := bufio.NewScanner(reader); lines.Scan(); {
		text.WriteString(lines.Text() + "\n")
		each(lines.Text(), input)
	}
	_ = cmd.Wait() // its exit status is asked for
	return cmd.ProcessState.ExitCode(), text.String()
}

func nothing(string, io.Closer) {}

func (b builder) wantNothingLeft(t *testing.T) {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(b.home, b.dir())); err == nil {
		t.Error("the directory of the build is there still")
	}
}

// What was built is all that is left, for the next script to take.
func TestBuildScript(t *testing.T) {
	b := newBuilder(t, `while [ "$1" != --target-dir ]; do shift; done
mkdir -p "$2/x86_64-unknown-linux-musl/release" && echo program >"$2/x86_64-unknown-linux-musl/release/world-agent"
echo "   Compiling in $PWD" >&2`)
	code, text := b.run(t, "1.53", nothing)
	made := filepath.Join(b.home, b.dir(), "out/world-agent")
	if code != 0 || !strings.Contains(text, "Compiling in "+b.project) || !strings.HasSuffix(text, made+"\n") {
		t.Errorf("exit status %d:\n%s", code, text)
	}
	left, err := filepath.Glob(filepath.Join(b.home, b.dir(), "*"))
	if len(left) != 1 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestBuildScriptFails(t *testing.T) {
	for name, test := range map[string]struct {
		cargo, want string
		code        int
		words       string
	}{
		"the compiler":      {"echo 'error: no' >&2; exit 101", "any", 101, "error: no"},
		"no program":        {"true", "any", 1, "no program called world-agent"},
		"a cargo too old":   {"true", "1.79", 4, "has cargo 1.78.0"},
		"numbers, not text": {"true", "1.100", 4, "no cargo of version 1.100"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBuilder(t, test.cargo)
			if code, text := b.run(t, test.want, nothing); code != test.code || !strings.Contains(text, test.words) {
				t.Errorf("exit status %d:\n%s", code, text)
			}
			b.wantNothingLeft(t)
		})
	}
	b := newBuilder(t, "true")
	if err := os.Remove(filepath.Join(b.project, "Cargo.toml")); err != nil {
		t.Fatal(err)
	}
	if code, text := b.run(t, "any", nothing); code != 1 || !strings.Contains(text, "Cargo.toml is not to be seen") {
		t.Errorf("exit status %d:\n%s", code, text)
	}
}

// When no one waits any more the build ends, with the compilers that cargo has started.
func TestBuildScriptEndsWithItsInput(t *testing.T) {
	b := newBuilder(t, "sh -c 'echo compiling; exec sleep 1000' & wait")
	code, text := b.run(t, "any", func(line string, input io.Closer) {
		if line == "compiling" {
			input.Close()
		}
	})
	if code == 0 || !strings.Contains(text, "compiling") {
		t.Errorf("exit status %d:\n%s", code, text)
	}
	b.wantNothingLeft(t)
}

// Several programs are built one after the other in one directory, by the profile that was asked for.
func TestBuildScriptBuildsSeveral(t *testing.T) {
	for profile, want := range map[string]struct{ flags, dir string }{
		"release": {"--release --locked", "release"}, "debug": {"--locked", "debug"}, "small": {"--profile=small --locked",
			"small"},
	} {
		b := newBuilder(t, `echo "$*"
case "$*" in *--bin=*) what=${*#*--bin=} ;; *) what=${*#*--package=} ;; esac
while [ "$1" != --target-dir ]; do shift; done
mkdir -p "$2/`+want.dir+`" && echo program >"$2/`+want.dir+`/${what%% *}"`)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", embed.Build.Text, "build", b.dir(), b.project, profile, "any",
			"any",
			"gateway/gateway", "/cli")
		cmd.Env = append(os.Environ(), "HOME="+b.home)
		input, waits, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin = input
		output, err := cmd.CombinedOutput()
		input.Close()
		waits.Close()
		text := string(output)
		if err != nil || !strings.Contains(text, "build "+want.flags+" --package=gateway") ||
			!strings.Contains(text, "build "+want.flags+" --bin=cli") || strings.Count(text, "built 8 ") != 2 {
			t.Errorf("%s: %v:\n%s", profile, err, text)
		}
	}
}
