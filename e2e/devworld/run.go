package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
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
