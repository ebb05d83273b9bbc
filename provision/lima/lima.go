// Package lima drives limactl and builds the profiles that are given to it.
//
// The rules are: limactl does everything that acts, except that a lima.yaml is edited here (see edit.go); Lima's own
// types (pkg/limatype) describe profiles and instances, and the answers come from JSON, never from words or exit codes
// alone. Nothing here decides what to do.
package lima

import (
	"context"
	"fmt"
	"strings"
)

// Command is one call of limactl.
type Command struct {
	Args  []string
	Stdin []byte
	// Line, when not nil, gets each line of standard error as it appears, without its newline.
	Line func(line string)
}

// Result is the result of a call of limactl.
type Result struct {
	Stdout   []byte
	Stderr   string // at most the last 64 KiB
	ExitCode int
}

// Runner runs limactl: [Exec] for real, a simulation in tests.
//
// A call that ran to its end is a Result, whatever its exit code. The error is a [*NotInstalledError] when there is no
// limactl to run, and otherwise reports why the call has no end: ctx ended, or the process could not be started or was
// killed.
type Runner interface {
	Run(ctx context.Context, command Command) (Result, error)
}

// NotInstalledError reports that limactl was not found.
type NotInstalledError struct {
	Name string // what was searched for
	Err  error
}

func (e *NotInstalledError) Error() string { return fmt.Sprintf("%s not found: %v", e.Name, e.Err) }
func (e *NotInstalledError) Unwrap() error { return e.Err }

// CommandError reports that a call of limactl failed.
type CommandError struct {
	Args     []string
	ExitCode int
	Stderr   string
}

func (e *CommandError) Error() string {
	message := fmt.Sprintf("limactl %s: exit status %d", strings.Join(e.Args, " "), e.ExitCode)
	if detail := e.Detail(); detail != "" {
		message += ": " + detail
	}
	return message
}

// HomeOnNFS reports whether limactl refused its home directory, as Lima 2.0 does on NFS. Only the words say so.
func (e *CommandError) HomeOnNFS() bool { return strings.Contains(e.Detail(), "must not run on NFS") }

// Detail is the part of limactl's standard error that reports what failed: its last fatal or error message, else its
// last line.
func (e *CommandError) Detail() string {
	var last, worst string
	for line := range strings.Lines(e.Stderr) {
		entry := ParseLogLine(strings.TrimSpace(line))
		if entry.Message == "" {
			continue
		}
		last = entry.Message
		if entry.Level == "fatal" || entry.Level == "error" {
			worst = entry.Message
		}
	}
	if worst != "" {
		return worst
	}
	return last
}
