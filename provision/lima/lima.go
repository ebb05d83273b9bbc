// Package lima drives limactl and builds the profiles that are given to it.
//
// The rules are: limactl does everything that acts, except that a lima.yaml is edited here (see edit.go); Lima's own
// types (pkg/limatype) describe profiles and instances, and the answers come from JSON, never from words or exit codes
// alone. Nothing here decides what to do.
package lima

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
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
	message := fmt.Sprintf("limactl %s: exit status %d", e.subject(), e.ExitCode)
	if detail := e.Detail(); detail != "" {
		message += ": " + detail
	}
	return message
}

// subject returns the verb of the call, and the name of what it is about if that comes last. The other arguments may
// hold what no message should show, such as scripts.
func (e *CommandError) subject() string {
	args := e.Args
	for len(args) > 2 && strings.HasPrefix(args[0], "--") {
		args = args[2:]
	}
	if len(args) == 0 {
		return ""
	}
	last := args[len(args)-1]
	if len(args) == 1 || strings.HasPrefix(last, "-") ||
		strings.HasPrefix(args[len(args)-2], "--") && !strings.Contains(args[len(args)-2], "=") {
		return args[0]
	}
	return args[0] + " " + last
}

// excerpts are the lines of a YAML file that its reader shows in an error: they may hold a secret.
var excerpts = lazyregexp.New(`(?m)\n^(?:>? *\d+ \|.*| *\^ *)$`)

// WithoutExcerpts returns the text of an error without the lines of a YAML file in it; the line's number stays.
func WithoutExcerpts(text string) string {
	return strings.TrimRight(excerpts.ReplaceAllString(text, ""), "\n")
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
	return cmp.Or(worst, last)
}
