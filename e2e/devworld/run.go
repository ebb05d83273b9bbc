package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/charmbracelet/x/term"
)

// onTerminal reports whether there is a terminal for the wizard.
func onTerminal() bool { return term.IsTerminal(os.Stdin.Fd()) && term.IsTerminal(os.Stdout.Fd()) }

// passThrough runs a command to its end with our output, and hands it every signal that asks us to stop. A failing
// command has reported why itself: the error is for one that could not run, or was killed.
//
// Without a terminal the command leads a process group of its own, so that a Ctrl-C reaches it once and not twice. On a
// terminal it stays in ours, which has the keyboard; worldsetup takes two signals within a second for one.
func passThrough(cmd *exec.Cmd, terminal bool) (code int, err error) {
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if cmd.SysProcAttr.Setpgid = !terminal; terminal {
		cmd.Stdin = os.Stdin
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	fmt.Printf("devworld: %s\n", strings.Join(cmd.Args, " "))
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start worldsetup: %w", err)
	}
	ended := make(chan end, 1)
	alone := terminal && cmd.SysProcAttr.Credential != nil
	go func() { ended <- wait(cmd.Process.Pid, alone) }()
	for {
		select {
		case sig := <-signals:
			_ = cmd.Process.Signal(sig) // it has just ended: wait shows
		case end := <-ended:
			_ = cmd.Process.Release()
			return end.code, end.err
		}
	}
}

// end is how a command ended.
type end struct {
	code int
	err  error
}

// wait waits for a child's end. A child that runs as another user is alone when Ctrl-Z is pressed: it may suspend
// itself only, and the shell would never know. So the rest of the job follows it.
func wait(pid int, alone bool) end {
	options := 0
	if alone {
		options = unix.WUNTRACED
	}
	for {
		var status unix.WaitStatus
		_, err := unix.Wait4(pid, &status, options, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return end{1, fmt.Errorf("wait for worldsetup: %w", err)}
		case status.Stopped():
			_ = unix.Kill(0, unix.SIGSTOP)
		case status.Exited():
			return end{code: status.ExitStatus()}
		default:
			return end{1, fmt.Errorf("worldsetup was killed: %v", status.Signal())}
		}
	}
}
