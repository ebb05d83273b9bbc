// Package checks determines whether a machine can hold a world, before anything is changed on it.
//
// A [Check] is a value: an id, a title, what it requires, a deadline, and a probe that observes and reports. [List] is
// the list of all checks, [Run] runs a list side by side, and [Apply] fixes what failed. To add a check, write its
// probe in the file of its topic and its literal in list.go.
//
// The rules are: a probe changes nothing, not even for a moment, and leaves nothing behind. A failure reports what was
// found, why it matters, and what to type. A check without an answer is Unknown, never OK. A failure that follows from
// another one is Skipped, so that only causes are shown. This package knows no terminal.
package checks

import (
	"context"
	"fmt"
	"time"

	"github.com/atomize-hq/worldsetup/provision/finding"
)

// Outcome is the result of a check.
type Outcome = finding.Outcome

// The outcomes.
const (
	OK      = finding.OK
	Info    = finding.Info
	Warning = finding.Warning
	Failed  = finding.Failed
	Skipped = finding.Skipped
	Omitted = finding.Omitted
	Pending = finding.Pending
	Unknown = finding.Unknown
)

// Probe observes one thing and reports what it found. It must return soon after its context ends.
type Probe = func(ctx context.Context) Result

// Check is one question about the machine.
type Check struct {
	ID    string // stable, kebab-case
	Title string // a noun phrase
	// Requires are the ids of checks earlier in the list without which the answer would mislead.
	Requires []string
	// Deadline bounds the probe; 0 means DefaultDeadline. A probe that takes longer has Failed.
	Deadline time.Duration
	// Late is what to do when the deadline has passed; empty means to try again.
	Late  string
	Probe Probe
	// RunFix runs the command of a fix and passes on each line that it prints; nil means to run it on this machine. It
	// never reads from a terminal.
	RunFix func(ctx context.Context, command []string, line func(string)) error

	omitted string // why the check does not apply; empty when it does
	network bool   // it asks the network
}

// DefaultDeadline is the deadline of a check that names no other.
const DefaultDeadline = 10 * time.Second

// When omits the check, with the reason why, unless it applies.
func (c Check) When(applies bool, why string) Check {
	if !applies && c.omitted == "" {
		c.omitted = why
	}
	return c
}

// Result is the finding of a check. A probe leaves its id, title and time to [Run]; without an outcome it is Unknown.
type Result struct {
	finding.Finding
	Fix *FixInfo `json:"fix,omitempty"` // what [Apply] would run; nil when only a person can fix it
	// Size is how much there is to download, in bytes; 0 when that is unknown.
	Size int64 `json:"size,omitempty"`
}

// FixInfo is the command that would fix a failed check. It is shown before it runs: see [Apply].
type FixInfo struct {
	Command []string `json:"command"`        // a program and its arguments, as a person would type them
	Note    string   `json:"note,omitempty"` // what a person has to do afterwards
}

func result(outcome Outcome, found string) Result {
	return Result{Finding: finding.Finding{Outcome: outcome, Found: found}}
}

func ok(format string, args ...any) Result   { return result(OK, fmt.Sprintf(format, args...)) }
func info(format string, args ...any) Result { return result(Info, fmt.Sprintf(format, args...)) }

// warning needs because, which reports what is wrong.
func warning(format string, args ...any) Result { return result(Warning, fmt.Sprintf(format, args...)) }

func unknown(err error) Result { return result(Unknown, err.Error()) }

func failed(what, why, next string) Result { return result(Failed, what).because(why, next) }

// because adds why something is wrong with what was found, and what to do.
func (r Result) because(why, next string) Result {
	r.Why, r.Next = why, next
	return r
}

// details adds how the finding came about.
func (r Result) details(lines ...string) Result {
	r.Details = lines
	return r
}

// fixable adds the command that would fix what was found, and what a person has to do after it.
func (r Result) fixable(note string, command ...string) Result {
	r.Fix = &FixInfo{Command: command, Note: note}
	return r
}
