package process

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A program is stopped together with its children, and those that heed no SIGTERM get SIGKILL.
func TestTheWholeGroupIsStopped(t *testing.T) {
	for name, script := range map[string]string{
		"children":           `sleep 1000 & echo $!; wait`,
		"of a deaf program":  `trap '' TERM; sleep 1000 & echo $!; while :; do wait; sleep 1; done`,
		"in a program ended": `(trap '' TERM; sleep 1000; sleep 1000) >/dev/null 2>&1 & echo $!; wait`,
		"of one that obeys": `(trap '' TERM; sleep 1000; sleep 1000) >/dev/null 2>&1 &
			trap 'exit 3' TERM; echo $!; wait`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			cmd := Command(ctx, "sh", "-c", script)
			var child int
			out := &firstLine{seen: func(line string) {
				child, _ = strconv.Atoi(line)
				cancel()
			}}
			cmd.Stdout = out
			err := Run(cmd)
			if err == nil || child == 0 {
				t.Fatalf("%v; the child was %d", err, child)
			}
			if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() && name != "of one that obeys" {
				t.Errorf("it ended by itself: %v", err)
			}
			for polls := 0; !gone(t, cmd.Process.Pid); polls++ { // the kernel takes its time
				if polls == 500 {
					t.Fatal("a process of its group lives on")
				}
			}
		})
	}
}

// firstLine hands on the first line that is written to it.
type firstLine struct {
	text strings.Builder
	seen func(string)
}

func (f *firstLine) Write(p []byte) (int, error) {
	f.text.Write(p)
	if line, _, whole := strings.Cut(f.text.String(), "\n"); whole && f.seen != nil {
		f.seen(line)
		f.seen = nil
	}
	return len(p), nil
}

// gone reports whether no one of a group does anything any more: the dead stay in it until someone asks for them.
func gone(t *testing.T, group int) bool {
	t.Helper()
	return errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) || members(t, group) == 0
}

// members counts the living processes of a group.
func members(t *testing.T, group int) (n int) {
	t.Helper()
	out, err := exec.Command("ps", "-e", "-o", "pgid=,stat=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[0] == strconv.Itoa(group) && !strings.HasPrefix(fields[1], "Z") {
			n++
		}
	}
	return n
}

// A program that ends by itself leaves its children alone: they may be meant to stay, such as a VM's.
func TestWhatStaysOnPurpose(t *testing.T) {
	cmd := Command(t.Context(), "sh", "-c", `sleep 1000 >/dev/null 2>&1 & echo $!`)
	var out strings.Builder
	cmd.Stdout = &out
	if err := Run(cmd); err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Errorf("the child is gone: %v", err)
	}
}

func TestExitStatus(t *testing.T) {
	err := Run(Command(t.Context(), "sh", "-c", "exit 3"))
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 3 {
		t.Errorf("%v", err)
	}
	if err := Run(Command(t.Context(), "/no/such/program")); err == nil {
		t.Error("a program that is not there was run")
	}
}

// TestNothingOutlivesUs: a program, and what it started, ends when the program that runs it is killed.
func TestNothingOutlivesUs(t *testing.T) {
	if os.Getenv("PROCESS_TEST_RUNS") != "" { // the program that is killed
		cmd := Command(t.Context(), "sh", "-c", `trap '' TERM HUP; (trap '' TERM HUP; sleep 1000) & echo $$; wait`)
		cmd.Stdout = os.Stdout
		_ = Run(cmd)
		return
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestNothingOutlivesUs$")
	parent.Env = append(os.Environ(), "PROCESS_TEST_RUNS=yes")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	group, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	for polls := 0; members(t, group) < 3; polls++ { // sh, its child and the guard
		if polls == 500 {
			t.Fatal("the group is not complete")
		}
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	for polls := 0; !gone(t, group); polls++ {
		if polls == 500 {
			t.Fatal("something of the group lives on")
		}
	}
}

// TestKilledFromOutside: that is not the failure of what a program does.
func TestKilledFromOutside(t *testing.T) {
	err := Run(Command(t.Context(), "sh", "-c", "kill -KILL $$"))
	if _, ok := errors.AsType[*KilledError](err); !ok || !strings.Contains(err.Error(), "sh was killed") {
		t.Errorf("got %v", err)
	}
}
