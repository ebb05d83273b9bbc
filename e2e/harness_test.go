//go:build e2e

// Package e2e runs worldsetup's scenarios on a real Lima VM.
//
// The rules are:
//   - The worldsetup program is driven as a user drives it: by its arguments, its output and its exit code.
//   - Everything of a test lives in a Lima home of its own below /tmp; at the end its VMs are deleted and the home with them.
//   - A boot takes about a minute under emulation, so tests that need no fresh VM share one: see sharedHome.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/internal/devhost"
)

// suite is what TestMain prepares for all tests.
var suite struct {
	host   *devhost.Host
	image  devhost.Image
	binary string // worldsetup

	shared     limaHome
	sharedOnce sync.Once
}

func TestMain(m *testing.M) {
	if runtime.GOOS != "linux" {
		fmt.Println("the end-to-end suite runs on Linux only")
		os.Exit(0)
	}
	syscall.Umask(0o022)
	// The first Ctrl-C ends preparations, or the program that a test is running, so that tests fail and clean up. The second kills.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	code, err := runSuite(ctx, m)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare the end-to-end suite:", err)
		code = 1
	}
	os.Exit(code)
}

func runSuite(ctx context.Context, m *testing.M) (code int, err error) {
	source, err := devhost.SourceRoot(ctx)
	if err != nil {
		return 1, err
	}
	if suite.host, err = devhost.Prepare(ctx, devhost.Options{Source: source, Log: os.Stdout}); err != nil {
		return 1, err
	}
	if suite.image, err = suite.host.GuestImage(ctx); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "worldsetup-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	suite.binary = filepath.Join(dir, "worldsetup")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", suite.binary, "./cmd/worldsetup")
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build worldsetup: %w\n%s", err, out)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	sweep()
	defer func() {
		if suite.shared != "" {
			suite.shared.destroy()
		}
	}()
	return m.Run(), nil
}

// limaHome is a folder for LIMA_HOME that belongs to the ordinary user.
type limaHome string

// homePattern makes short paths, since Lima puts sockets below, and names the process, so that sweep knows a dead one's.
func homePattern() string { return fmt.Sprintf("wse-%d-", os.Getpid()) }

func makeHome() (limaHome, error) {
	dir, err := os.MkdirTemp("/tmp", homePattern())
	if err != nil {
		return "", err
	}
	home := limaHome(dir)
	for _, dir := range []string{dir, home.files(), home.userHome()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return home, err
		}
		if err := os.Chown(dir, int(suite.host.User.UID), int(suite.host.User.GID)); err != nil {
			return home, err
		}
	}
	return home, nil
}

// files is a folder for what else a test needs. Lima takes what lies in its home for VMs, unless its name begins like this.
func (home limaHome) files() string { return filepath.Join(string(home), "_files") }

// userHome is the user's home directory as the programs under test see it, so that it can be seen what they do to it.
func (home limaHome) userHome() string { return filepath.Join(home.files(), "home") }

// newLimaHome is an empty Lima home that is gone, with every VM in it, when the test ends.
func newLimaHome(t *testing.T) limaHome {
	t.Helper()
	home, err := makeHome()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(home.destroy)
	return home
}

// sharedHome is the one Lima home that lives as long as the suite.
func sharedHome(t *testing.T) limaHome {
	t.Helper()
	suite.sharedOnce.Do(func() {
		home, err := makeHome()
		if err != nil {
			t.Fatal(err)
		}
		suite.shared = home
	})
	if suite.shared == "" {
		t.Fatal("the shared Lima home could not be made")
	}
	return suite.shared
}

// sweep removes what runs that were killed left behind.
func sweep() {
	left, _ := filepath.Glob("/tmp/wse-*-*")
	for _, dir := range left {
		pid, err := strconv.Atoi(strings.Split(filepath.Base(dir), "-")[1])
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			limaHome(dir).destroy()
		}
	}
}

// destroy stops and deletes every VM of the home, then the home.
func (home limaHome) destroy() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	list, _ := home.command(ctx, suite.host.Lima, "list", "--quiet").Output()
	for _, vm := range strings.Fields(string(list)) {
		_ = home.command(ctx, suite.host.Lima, "unprotect", vm).Run()
		_ = home.command(ctx, suite.host.Lima, "stop", "--force", vm).Run()
		_ = home.command(ctx, suite.host.Lima, "delete", "--force", vm).Run()
	}
	if err := os.RemoveAll(string(home)); err != nil {
		fmt.Fprintf(os.Stderr, "remove %s: %v\n", home, err)
	}
}

// command is a command that runs as the ordinary user with this Lima home.
func (home limaHome) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := suite.host.Command(ctx, name, args...)
	cmd.Env = append(cmd.Env, "LIMA_HOME="+string(home), "HOME="+home.userHome())
	return cmd
}

// result is how a program ended.
type result struct {
	stdout, stderr string
	code           int // -1: by a signal
	took           time.Duration
}

// run runs worldsetup as the ordinary user.
func (home limaHome) run(t testing.TB, args ...string) result {
	t.Helper()
	return finish(t, home.command(t.Context(), suite.binary, args...))
}

// limactl runs limactl as the ordinary user.
func (home limaHome) limactl(t testing.TB, args ...string) result {
	t.Helper()
	return finish(t, home.command(t.Context(), suite.host.Lima, append([]string{"--tty=false"}, args...)...))
}

// finish runs a command to its end. Its output goes to files: what Lima leaves running in the background would keep a pipe
// open for as long as the VM lives.
func finish(t testing.TB, cmd *exec.Cmd) result {
	t.Helper()
	stdout, stderr := scratch(t), scratch(t)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	started := time.Now()
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %s: %v", strings.Join(cmd.Args, " "), err)
	}
	r := result{stdout: slurp(t, stdout), stderr: slurp(t, stderr), code: cmd.ProcessState.ExitCode(), took: time.Since(started).Round(time.Millisecond)}
	t.Logf("%s %s: exit code %d after %s", filepath.Base(cmd.Path), strings.Join(cmd.Args[1:], " "), r.code, r.took)
	return r
}

func scratch(t testing.TB) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "output-")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func slurp(t testing.TB, f *os.File) string {
	t.Helper()
	defer f.Close()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
