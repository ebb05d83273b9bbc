package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// passThrough runs a command to its end with our output, and hands it every signal that asks us to stop. The command leads
// a process group of its own, so that a Ctrl-C reaches it once and not twice. A failing command has said why itself: the
// error is for one that could not run, or was killed.
func passThrough(cmd *exec.Cmd) (code int, err error) {
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	fmt.Printf("devworld: %s\n", strings.Join(cmd.Args, " "))
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start worldsetup: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			_ = cmd.Process.Signal(sig) // it has just ended: Wait tells
		case err := <-ended:
			if code := cmd.ProcessState.ExitCode(); code >= 0 {
				return code, nil
			}
			return 1, fmt.Errorf("worldsetup: %w", err)
		}
	}
}

// next says what to try in the world that was just made.
func (s *setup) next() string {
	vm := cmp.Or(lookup(s.command.Env, "SUBSTRATE_LIMA_VM_NAME"), lookup(s.command.Env, "LIMA_VM_NAME"), "substrate")
	var text strings.Builder
	text.WriteString("\nThe world answers. Try it, from inside and from this machine:\n\n")
	if s.become != "" {
		fmt.Fprintf(&text, "  su - %s\n", s.become)
	}
	fmt.Fprintf(&text, "  %s shell --workdir / %s curl -sS --unix-socket /run/substrate.sock http://localhost/v1/capabilities\n", s.limactl, vm)
	fmt.Fprintf(&text, "  curl -sS --unix-socket %s http://localhost/v1/capabilities\n", filepath.Join(s.home, vm, "sock", "substrate.sock"))
	return text.String()
}

// lookup finds a variable in an environment, where nil is this process's.
func lookup(environ []string, name string) string {
	if environ == nil {
		return os.Getenv(name)
	}
	value := ""
	for _, entry := range environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}
