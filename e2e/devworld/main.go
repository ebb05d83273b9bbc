// Devworld is what `make world` runs: it gets a development machine ready, builds worldsetup and creates a world with it.
//
// The rules are:
//   - Nothing that the machine has is replaced; what is installed is said.
//   - The world is created by the very program that users run, with the probe agent, and its exit code is ours.
//   - PROJECT in the environment names the project directory; the checkout itself is the default.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/atomize-hq/worldsetup/internal/devhost"
)

func main() { os.Exit(run()) }

func run() int {
	// Root prepares files that another user reads.
	syscall.Umask(0o022)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := world(ctx, stop)
	stop()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exit.ExitCode() // worldsetup has said why
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "make world:", err)
		return 1
	}
	return 0
}

// world prepares, builds, creates the world and says what to try next. It calls prepared before worldsetup takes over,
// from when on signals go to worldsetup.
func world(ctx context.Context, prepared func()) error {
	source, err := devhost.SourceRoot(ctx)
	if err != nil {
		return err
	}
	project := source
	if named := os.Getenv("PROJECT"); named != "" {
		if project, err = filepath.Abs(named); err != nil {
			return err
		}
	}
	if info, err := os.Stat(project); err != nil || !info.IsDir() {
		return fmt.Errorf("the project %s is no directory: set PROJECT to one", project)
	}
	s := setup{source: source, project: project}
	if runtime.GOOS == "darwin" {
		err = s.mac(ctx)
	} else {
		err = s.linux(ctx)
	}
	if err != nil {
		return err
	}
	prepared()
	if err := passThrough(s.command); err != nil {
		return err
	}
	fmt.Print(s.next())
	return nil
}

// setup is what is found out on the way to the command that creates the world.
type setup struct {
	source  string // the checkout
	project string
	command *exec.Cmd // worldsetup
	limactl string    // as one would type it
	become  string    // the user to become first, if any
	home    string    // Lima's
}
