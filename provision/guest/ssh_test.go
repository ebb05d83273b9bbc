package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/process"
)

// TestMain lets the test program stand in for ssh.
func TestMain(m *testing.M) {
	if os.Getenv("STAND_IN_FOR_SSH") != "" {
		os.Exit(standIn(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// standIn is an ssh whose remote side is this machine: it forwards a socket to an echo, and has a shell split the
// command.
func standIn(args []string) int {
	if os.Getenv("STAND_IN_FOR_SSH") == "unreachable" {
		fmt.Fprintln(os.Stderr, "Connection refused")
		return 255
	}
	if died := os.Getenv("STAND_IN_DIES"); died != "" {
		left, _ := os.ReadFile(died) // a byte for each death
		if len(left) > 0 {
			_ = os.WriteFile(died, left[1:], 0o600)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	if os.Getenv("STAND_IN_FOR_SSH") == "silent" {
		return 0
	}
	if behaviour := os.Getenv("STAND_IN_FOR_SSH"); strings.HasPrefix(behaviour, "renew") {
		return renewed(behaviour, strings.Join(args, " "))
	}
	for i, arg := range args {
		if arg == "-L" {
			path, _, _ := strings.Cut(args[i+1], ":")
			listener, err := net.Listen("unix", path)
			if err != nil {
				return 255
			}
			defer listener.Close()
			go echo(listener)
		}
	}
	if log := os.Getenv("STAND_IN_LOG"); log != "" {
		_ = os.WriteFile(log, []byte(strings.Join(args[:len(args)-1], "\n")), 0o600)
	}
	cmd := exec.Command("sh", "-c", os.Getenv("STAND_IN_STARTUP")+"\n"+args[len(args)-1])
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	_ = cmd.Run()
	if os.Getenv("STAND_IN_FOR_SSH") == "held open" {
		time.Sleep(time.Hour)
	}
	return cmd.ProcessState.ExitCode()
}

// renewed takes down what it was asked for; a dead master does not answer.
func renewed(behaviour, call string) int {
	log, err := os.OpenFile(os.Getenv("STAND_IN_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 1
	}
	defer log.Close()
	fmt.Fprintln(log, call)
	if behaviour == "renew, dead" && strings.Contains(call, "-O stop") {
		return 255
	}
	return 0
}

func echo(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(connection, connection) }()
	}
}

// newSSH is a transport whose ssh is the stand-in.
func newSSH(t *testing.T, behaviour string) SSH {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "ssh")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return SSH{Config: "/lima home/vm/ssh.config", VM: "vm",
		Env: append(os.Environ(), "STAND_IN_FOR_SSH="+behaviour, "STAND_IN_LOG="+filepath.Join(dir, "log"))}
}

// TestArgumentsArriveAsTheyAre: the guest's shell splits the command again, and nothing in an argument may mean
// anything to it.
func TestArgumentsArriveAsTheyAre(t *testing.T) {
	awkward := []string{"", "a b", `"`, `'`, `$HOME`, "`id`", "; exit 3", "ü", "two\nlines", `\`, "-n", "*", "!!", `a\'b`,
		`\c`, `\0101`, "100%s", "\t\x1b\xff"}
	script := embed.Script{Name: "show", Text: `for a; do printf '%s|' "$a"; done; cat; echo`}
	reply, err := newSSH(t, "well").Exec(t.Context(), Request{Route: Shared, Script: script, Args: awkward,
		Stdin: strings.NewReader("input")})
	if want := strings.Join(awkward, "|") + "|input\n"; err != nil || string(reply.Stdout) != want {
		t.Errorf("got %q, %v, want %q", reply.Stdout, err, want)
	}
}

func TestRoutes(t *testing.T) {
	for route, want := range map[Route]bool{Shared: false, Fresh: true} {
		s := newSSH(t, "well")
		if _, err := s.Exec(t.Context(), Request{Route: route, Script: embed.Script{Name: "x", Text: ":"}}); err != nil {
			t.Fatal(err)
		}
		path, err := exec.LookPath("ssh")
		if err != nil {
			t.Fatal(err)
		}
		log, err := os.ReadFile(filepath.Join(filepath.Dir(path), "log"))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(log), "ControlPath=none"); got != want {
			t.Errorf("%s: ControlPath=none is %v in %s", route, got, log)
		}
		for _, always := range []string{"-F\n/lima home/vm/ssh.config", "BatchMode=yes", "ControlMaster=no", "lima-vm\n--"} {
			if !strings.Contains(string(log), always) {
				t.Errorf("%s: %q is not in %s", route, always, log)
			}
		}
	}
}

func TestFailures(t *testing.T) {
	run := func(ctx context.Context, behaviour, text string) error {
		_, err := newSSH(t, behaviour).Exec(ctx, Request{Route: Fresh, Script: embed.Script{Name: "x", Text: text}})
		return err
	}
	err := run(t.Context(), "well", "echo why >&2; exit 3")
	if script, ok := errors.AsType[*ScriptError](err); !ok || script.ExitCode != 3 ||
		!strings.Contains(script.Error(), "why") {
		t.Errorf("a failing script: %v", err)
	}
	err = run(t.Context(), "unreachable", ":")
	if _, ok := errors.AsType[*ConnectionError](err); !ok || !strings.Contains(err.Error(), "Connection refused") {
		t.Errorf("a refused connection: %v", err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("no answer in time"))
	defer cancel()
	err = run(ctx, "well", "sleep 60")
	if _, ok := errors.AsType[*ConnectionError](err); !ok || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("a hanging guest: %v", err)
	}
}

// TestNoise: what a login shell prints, or leaves running, is not taken for the script's output, and what it puts in
// front in PATH hides no program.
func TestNoise(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "id"), []byte("#!/bin/sh\necho no\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	startup := `echo 'exit 0'; printf 'no newline'; PATH=` + dir + `:$PATH; ` +
		`(while sleep 0.01; do printf 'a job\nof it'; done) & trap "kill $!; echo bye" EXIT`
	for _, route := range []Route{Shared, Fresh} {
		s := newSSH(t, "well")
		s.Env = append(s.Env, "STAND_IN_STARTUP="+startup)
		script := embed.Script{Name: "x", Text: "id -u\nsleep 0.1\necho two\necho why >&2\nexit 3"}
		reply, err := s.Exec(t.Context(), Request{Route: route, Script: script})
		failed, ok := errors.AsType[*ScriptError](err)
		if want := fmt.Sprintf("%d\ntwo\n", os.Getuid()); string(reply.Stdout) != want || !ok || failed.ExitCode != 3 {
			t.Errorf("%s: got %q, want %q, %v", route, reply.Stdout, want, err)
		}
	}
}

// TestSessionThatEnds: a session that ends before the script did is no failure of the script, whatever its exit status.
// TestKilledClient: the request is made again; a client that is killed each time says nothing about the guest.
func TestKilledClient(t *testing.T) {
	ssh := newSSH(t, "well")
	died := filepath.Join(t.TempDir(), "deaths")
	ssh.Env = append(ssh.Env, "STAND_IN_DIES="+died)
	for deaths, request := range map[string]Request{"x": {}, "xx": {}, "X": {Line: func(string) {}}} {
		if err := os.WriteFile(died, []byte(deaths), 0o600); err != nil {
			t.Fatal(err)
		}
		request.Route, request.Script = Fresh, embed.Script{Name: "test", Text: "echo done"}
		reply, err := ssh.Exec(t.Context(), request)
		_, killed := errors.AsType[*process.KilledError](err)
		connection, ok := errors.AsType[*ConnectionError](err)
		if deaths == "x" && (err != nil || string(reply.Stdout) != "done\n") {
			t.Errorf("killed once: %q, %v", reply.Stdout, err)
		} else if deaths != "x" && (!killed || !ok || connection.Cause() != CauseUnknown) {
			t.Errorf("killed %q: %v", deaths, err)
		}
	}
}

func TestSessionThatEnds(t *testing.T) {
	for _, status := range []int{0, 1, 254} {
		s := newSSH(t, "well")
		s.Env = append(s.Env, fmt.Sprintf("STAND_IN_STARTUP=echo closed; exit %d", status))
		_, err := s.Exec(t.Context(), Request{Route: Shared, Script: embed.Script{Name: "x", Text: ":"}})
		if ended, ok := errors.AsType[*SessionError](err); !ok || ended.ExitCode != status || ended.Output != "closed\n" {
			t.Errorf("exit status %d: %v", status, err)
		}
	}
}

// TestForward: the socket can be used while the script runs, and the script goes on when that is over.
func TestForward(t *testing.T) {
	dir, err := os.MkdirTemp("", "ws") // short, for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	used := ""
	reply, err := newSSH(t, "well").Exec(t.Context(), Request{
		Route: Fresh, Script: embed.Script{Name: "x", Text: "echo before; cat; echo after"},
		Forward: &Forward{Path: filepath.Join(dir, "s"), Use: func(ctx context.Context, path string) {
			connection, err := net.Dial("unix", path)
			if err != nil {
				t.Error(err)
				return
			}
			defer connection.Close()
			buffer := make([]byte, 4)
			if _, err := connection.Write([]byte("ping")); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadFull(connection, buffer); err != nil {
				t.Error(err)
			}
			used = string(buffer)
		}},
	})
	if err != nil || used != "ping" || string(reply.Stdout) != "before\nafter\n" {
		t.Errorf("got %q and %q, %v", used, reply.Stdout, err)
	}
}

// TestForwardThatNeverComes: ssh has ended, so no one waits for its socket.
func TestForwardThatNeverComes(t *testing.T) {
	_, err := newSSH(t, "unreachable").Exec(t.Context(), Request{
		Route: Fresh, Script: embed.Script{Name: "x", Text: ":"},
		Forward: &Forward{Path: filepath.Join(t.TempDir(), "s"), Use: func(context.Context, string) {
			t.Error("it was used")
		}},
	})
	if _, ok := errors.AsType[*ConnectionError](err); !ok {
		t.Errorf("got %v", err)
	}
}

// TestForwardToAHungAgent: ssh doesn't exit while the guest's end of the forwarded connection is open.
func TestForwardToAHungAgent(t *testing.T) {
	dir, err := os.MkdirTemp("", "ws") // short, for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	reply, err := newSSH(t, "held open").Exec(ctx, Request{
		Route: Fresh, Script: embed.Script{Name: "x", Text: "echo friend; cat; echo end"}, End: End,
		Forward: &Forward{Path: filepath.Join(dir, "s"), Use: func(context.Context, string) {}},
	})
	if err != nil || string(reply.Stdout) != "friend\nend\n" {
		t.Errorf("got %q, %v", reply.Stdout, err)
	}
}
