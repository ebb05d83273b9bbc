package lima

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/process"
)

// stderrKept is how much of limactl's standard error is kept for messages, in bytes.
const stderrKept = 64 << 10

// Exec runs the limactl installed on this machine.
type Exec struct {
	// Path is the executable; empty means limactl from $PATH.
	Path string
	// Env is the whole environment of the calls, as for os/exec; nil means this process's own.
	Env []string
}

// Run implements [Runner]. When ctx ends, limactl and its children in the same process group are stopped: SIGTERM, then SIGKILL.
func (e Exec) Run(ctx context.Context, command Command) (Result, error) {
	name := e.Path
	if name == "" {
		name = "limactl"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return Result{}, &NotInstalledError{Name: name, Err: err}
	}
	cmd := process.Command(ctx, path, command.Args...)
	cmd.Env = e.Env
	cmd.Stdin = bytes.NewReader(command.Stdin)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	stderr := &lines{each: command.Line}
	cmd.Stderr = stderr
	err = process.Run(cmd)
	stderr.flush()
	result := Result{Stdout: stdout.Bytes(), Stderr: string(stderr.kept)}
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		result.ExitCode = exit.ExitCode()
		return result, nil
	}
	return result, err
}

// lines keeps the tail of what is written to it and hands on each whole line.
type lines struct {
	each    func(string)
	partial []byte
	kept    []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.kept = append(l.kept, p...)
	if over := len(l.kept) - stderrKept; over > 0 {
		l.kept = append(l.kept[:0], l.kept[over:]...)
	}
	if l.each == nil {
		return len(p), nil
	}
	l.partial = append(l.partial, p...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.each(strings.TrimRight(string(line), "\r"))
		l.partial = rest
	}
}

func (l *lines) flush() {
	if len(l.partial) > 0 {
		l.each(string(l.partial))
	}
	l.partial = nil
}
