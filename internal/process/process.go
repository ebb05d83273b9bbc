// Package process starts programs so that stopping them stops all of them, and so that they end when this program ends.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/atomize-hq/worldsetup/internal/crash"
)

const (
	// grace is how long a program has between SIGTERM and SIGKILL.
	grace = 5 * time.Second
	// groupPause is the interval at which a group that was asked to end is observed.
	groupPause = 20 * time.Millisecond
)

// Cmd is a program in a process group of its own.
type Cmd struct {
	*exec.Cmd
	cancelled atomic.Int64 // when it was asked to end, in nanoseconds; 0 when it wasn't
}

// Command is like exec.CommandContext, except that the program leads a process group of its own: a Ctrl-C at the
// terminal does not reach it behind our back, and when ctx ends the whole group gets SIGTERM and, after a grace of 5 s,
// SIGKILL.
func Command(ctx context.Context, name string, args ...string) *Cmd {
	cmd := &Cmd{Cmd: exec.CommandContext(ctx, name, args...)}
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error {
		cmd.cancelled.Store(time.Now().UnixNano())
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	cmd.WaitDelay = grace
	return cmd
}

// KilledError reports that a program was ended by a signal that did not come from us. That says nothing about what it
// was asked to do.
type KilledError struct {
	Name string
	Err  error
}

func (e *KilledError) Error() string {
	return fmt.Sprintf("%s was killed on this machine (%v)", e.Name, e.Err)
}
func (e *KilledError) Unwrap() error { return e.Err }

// Killed reports that err is about a program of this machine that another program ended.
func Killed(err error) bool {
	_, ok := errors.AsType[*KilledError](err)
	return ok
}

// KilledNext is the advice for when a program was killed.
const KilledNext = "find out what kills it (another program, or the system for lack of memory), then run worldsetup " +
	"again: it carries on from here"

// Run runs cmd to its end. Whatever of its group outlives it is killed when it did not end by itself. If this program
// ends first, however it ends, the group is killed. Processes that left the group, such as a VM's, live on.
func Run(cmd *Cmd) error {
	// On Linux the program is killed when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.Stdout, cmd.Stderr = guarded(cmd.Stdout), guarded(cmd.Stderr)
	if err := cmd.Start(); err != nil {
		return err
	}
	release := guard(cmd.Process.Pid)
	err := cmd.Wait()
	release()
	asked := cmd.cancelled.Load()
	switch {
	case !cmd.ProcessState.Exited():
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // no such group: nothing was left
	case asked != 0: // it heeded SIGTERM; its children may not
		endGroup(cmd.Process.Pid, time.Unix(0, asked).Add(grace))
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && asked == 0 && !exit.Exited() {
		return &KilledError{Name: filepath.Base(cmd.Args[0]), Err: err}
	}
	return err
}

// guarded returns a writer for the goroutines of os/exec. Two that were the same stay the same, and files are files.
func guarded(to io.Writer) io.Writer {
	if _, file := to.(*os.File); to == nil || file {
		return to
	}
	return guardedWriter{to}
}

type guardedWriter struct{ io.Writer }

func (w guardedWriter) Write(p []byte) (int, error) {
	defer crash.Catch()
	return w.Writer.Write(p)
}

// endGroup waits until the group has ended, and kills it at the deadline.
func endGroup(group int, deadline time.Time) {
	for syscall.Kill(-group, 0) == nil {
		if time.Now().After(deadline) {
			_ = syscall.Kill(-group, syscall.SIGKILL) // no such group: it has just ended
			return
		}
		time.Sleep(groupPause) // the system reports only the end of children, not of a group
	}
}

// guardScript kills its own process group once its standard input ends, which is a pipe that only this program writes
// to. It heeds no SIGTERM, since a deaf program would outlive it.
const guardScript = `trap '' TERM; read _; kill -KILL 0`

// guard starts a process in a group that kills the group when this program ends, until release is called. As long as it
// lives, no other group gets the number. It is a second line of defence: without it, on an error, the run goes on.
func guard(group int) (release func()) {
	cmd := exec.Command("/bin/sh", "-c", guardScript)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group}
	input, err := cmd.StdinPipe()
	if err != nil {
		return func() {}
	}
	if err := cmd.Start(); err != nil { // the program has ended already
		_ = input.Close()
		return func() {}
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}
