package lima

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/internal/process"
)

// fake is a limactl that is a shell script.
func fake(t *testing.T, script string) Exec {
	t.Helper()
	path := filepath.Join(t.TempDir(), "limactl")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return Exec{Path: path}
}

func TestExecWithoutLimactl(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, runner := range []Exec{{}, {Path: filepath.Join(t.TempDir(), "limactl")}, {Path: t.TempDir()}} {
		_, err := runner.Run(t.Context(), Command{Args: []string{"list"}})
		if _, ok := errors.AsType[*NotInstalledError](err); !ok {
			t.Errorf("%+v: %v", runner, err)
		}
	}
	notExecutable := filepath.Join(t.TempDir(), "limactl")
	if err := os.WriteFile(notExecutable, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Exec{Path: notExecutable}.Run(t.Context(), Command{})
	if _, ok := errors.AsType[*NotInstalledError](err); !ok || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("not executable: %v", err)
	}
}

func TestExecHandsEverythingThrough(t *testing.T) {
	runner := fake(t, `printf '%s|' "$@"; cat; echo "$WORD"; echo first >&2; printf 'last' >&2; exit 3`)
	runner.Env = []string{"WORD=from the environment", "PATH=" + os.Getenv("PATH")}
	var lines []string
	result, err := runner.Run(t.Context(), Command{
		Args: []string{"a b", "--set", `.x = "y" | .z = 1`}, Stdin: []byte("input\n"),
		Line: func(line string) { lines = append(lines, line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "a b|--set|.x = \"y\" | .z = 1|input\nfrom the environment\n"; string(result.Stdout) != want {
		t.Errorf("output %q, want %q", result.Stdout, want)
	}
	if result.ExitCode != 3 || result.Stderr != "first\nlast" || !slices.Equal(lines, []string{"first", "last"}) {
		t.Errorf("%+v, lines %q", result, lines)
	}
}

func TestExecOfSomethingKilled(t *testing.T) {
	result, err := fake(t, "exit 137\n").Run(t.Context(), Command{}) // how a shell reports a killed child
	if err != nil || result.ExitCode != 137 {
		t.Errorf("exit 137: %+v, %v", result, err)
	}
	result, err = fake(t, "echo garbage; echo why >&2; kill -9 $$\n").Run(t.Context(), Command{})
	if _, ok := errors.AsType[*exec.ExitError](err); !ok || string(result.Stdout) != "garbage\n" ||
		result.Stderr != "why\n" {
		t.Errorf("killed: %+v, %v", result, err)
	}
}

// TestKilledQuery: it is asked again, once; what changes something is not.
func TestKilledQuery(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	runner := fake(t, `if [ ! -e "`+mark+`" ]; then : >"`+mark+`"; kill -9 $$; fi; echo limactl version 2.1.4`+"\n")
	if version, err := (Client{Runner: runner}).Version(t.Context()); err != nil || version.String() != "2.1.4" {
		t.Errorf("got %v, %v", version, err)
	}
	_ = os.Remove(mark)
	err := Client{Runner: runner}.Stop(t.Context(), "vm", true, nil)
	if _, ok := errors.AsType[*process.KilledError](err); !ok || !strings.Contains(err.Error(), "limactl was killed") {
		t.Errorf("got %v", err)
	}
}

func TestExecOfGarbage(t *testing.T) {
	client := Client{Runner: fake(t, "head -c 100000 /dev/zero; echo; echo '<html>'\n")}
	if version, err := client.Version(t.Context()); err == nil {
		t.Errorf("read as the version %v", version)
	}
	if instance, err := client.Find(t.Context(), "vm"); err == nil {
		t.Errorf("read as %+v", instance)
	}
}

func TestExecEndsWithItsContextAndTakesTheChildrenWithIt(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	runner := fake(t, `sleep 600 & echo $$ $! >"$1.new"; mv "$1.new" "$1"; echo waiting >&2; wait`+"\n")
	cause := errors.New("the user pressed Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := runner.Run(ctx, Command{Args: []string{pids}, Line: func(string) { cancel(cause) }})
		ended <- err
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, cause) {
			t.Errorf("got %v, want the context's own reason", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	text, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(text)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		if !gone(pid) {
			t.Errorf("process %d outlives the call", pid)
		}
	}
}

// gone waits until a process is no more, which a child of another process is only when that one, or init, has waited
// for it.
func gone(pid int) bool {
	for range 500 {
		if syscall.Kill(pid, 0) != nil {
			return true
		}
		if status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil &&
			bytes.Contains(status, []byte(") Z ")) {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func TestExecBoundsTheOutput(t *testing.T) {
	_, err := fake(t, `head -c 20000000 /dev/zero`).Run(t.Context(), Command{Args: []string{"list"}})
	if err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v", err)
	}
}
