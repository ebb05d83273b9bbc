// Devworld is what `make world` runs: it gets a development machine ready, builds worldsetup and creates a world with
// it.
//
// The rules are:
//   - Nothing that the machine has is replaced; what is installed is reported.
//   - On a terminal the wizard is shown, and plain lines elsewhere.
//   - The world is created by the very program that users run, with the probe agent, and its exit code is ours.
//   - PROJECT in the environment names the project directory; the checkout itself is the default.
package main

import (
	"context"
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
	s, err := prepare(ctx)
	stop() // from here on signals go to worldsetup
	if err != nil {
		fmt.Fprintln(os.Stderr, "make world:", err)
		return 1
	}
	code, err := passThrough(s.command, onTerminal())
	if err != nil {
		fmt.Fprintln(os.Stderr, "make world:", err)
	}
	if code == 0 {
		for _, note := range s.notes {
			fmt.Println(note)
		}
	}
	return code
}

// prepare does everything up to the command that creates the world.
func prepare(ctx context.Context) (setup, error) {
	source, err := devhost.SourceRoot(ctx)
	if err != nil {
		return setup{}, err
	}
	s := setup{source: source, project: source}
	if named := os.Getenv("PROJECT"); named != "" {
		if s.project, err = filepath.Abs(named); err != nil {
			return setup{}, err
		}
	}
	if info, err := os.Stat(s.project); err != nil || !info.IsDir() {
		return setup{}, fmt.Errorf("the project %s is no directory: set PROJECT to one", s.project)
	}
	if runtime.GOOS == "darwin" {
		return s, s.mac(ctx)
	}
	return s, s.linux(ctx)
}

// arguments are worldsetup's, before the project.
func arguments(terminal bool) []string {
	args := []string{"--agent", "builtin"}
	if !terminal {
		args = append(args, "--non-interactive")
	}
	return args
}

// setup is what is found out on the way to the command that creates the world.
type setup struct {
	source  string // the checkout
	project string
	command *exec.Cmd // worldsetup
	notes   []string  // what one has to know on this machine to use the world
}
