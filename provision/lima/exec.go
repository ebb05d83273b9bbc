package lima

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os/exec"

	"github.com/atomize-hq/worldsetup/internal/process"
)

// Exec runs the limactl installed on this machine.
type Exec struct {
	// Path is the executable; empty means limactl from $PATH.
	Path string
	// Env is the whole environment of the calls, as for os/exec; nil means this process's own.
	Env []string
}

// Run implements [Runner]. When ctx ends, limactl and its children in the same process group are stopped: SIGTERM, then
// SIGKILL.
func (e Exec) Run(ctx context.Context, command Command) (Result, error) {
	name := cmp.Or(e.Path, "limactl")
	path, err := exec.LookPath(name)
	if err != nil {
		return Result{}, &NotInstalledError{Name: name, Err: err}
	}
	cmd := process.Command(ctx, path, command.Args...)
	cmd.Env = e.Env
	cmd.Stdin = bytes.NewReader(command.Stdin)
	var stdout process.Buffer
	cmd.Stdout = &stdout
	stderr := &process.Lines{Each: command.Line}
	cmd.Stderr = stderr
	err = process.Run(cmd)
	stderr.Flush()
	result := Result{Stdout: stdout.Bytes(), Stderr: stderr.Tail()}
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		result.ExitCode = exit.ExitCode()
		return result, nil
	}
	return result, cmp.Or(err, stdout.Err("limactl"))
}
