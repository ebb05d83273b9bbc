// Package process starts programs so that stopping them stops all of them.
package process

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// grace is how long a program has between SIGTERM and SIGKILL.
const grace = 5 * time.Second

// Command is like exec.CommandContext, except that the program leads a process group of its own: a Ctrl-C at the
// terminal does not reach it behind our back, and when ctx ends the whole group gets SIGTERM and, after a grace of 5 s,
// SIGKILL.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = grace
	return cmd
}

// Run runs cmd, which comes from [Command], to its end. Whatever of its group outlives it is killed when it did not end
// by itself.
func Run(cmd *exec.Cmd) error {
	err := cmd.Run()
	if cmd.Process != nil && !cmd.ProcessState.Exited() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // no such group: nothing was left
	}
	return err
}
