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

// Problem is why a check failed. It has no kind: that a failed check stops a run is for the engine to say.
type Problem = finding.Error

// Finding is what a probe found.
type Finding struct {
	Outcome Outcome  // empty means Unknown
	Found   string   // a few words: a version, a path
	Details []string // how that came about, for those who ask
	Problem *Problem // what is wrong, also for a Warning
	Fix     *FixInfo // what would mend it; nil when only a person can
}

// FixInfo is what would mend a failed check. It is shown before it is done: see [Apply].
type FixInfo struct {
	Command []string `json:"command"`        // a program and its arguments, as a person would type them
	Note    string   `json:"note,omitempty"` // what a person has to do afterwards
}

// Result is what became of one check of a list.
type Result struct {
	ID      string        `json:"id"`
	Title   string        `json:"title"`
	Outcome Outcome       `json:"outcome"`
	Found   string        `json:"found,omitempty"`
	Details []string      `json:"details,omitempty"` // how that came about, line by line
	Problem *Problem      `json:"problem,omitempty"` // set when Outcome is Failed
	Fix     *FixInfo      `json:"fix,omitempty"`     // what [Apply] would do about it; nil when only a person can help
	Elapsed time.Duration `json:"elapsed_ns"`
}

// DefaultDeadline is the time that a check has which names no other.
const DefaultDeadline = 10 * time.Second

// Check is one question about the machine.
type Check struct {
	ID    string // stable, kebab-case
	Title string // a noun phrase
	// Requires are the ids of checks earlier in the list without which the answer would mislead.
	Requires []string
	// Deadline bounds the probe; 0 means DefaultDeadline. A probe that takes longer has Failed.
	Deadline time.Duration
	// Late is what to do when the deadline has passed; empty means to try again.
	Late string
	// Probe looks. It must end soon after its context.
	Probe func(ctx context.Context) Finding
	// Mend runs the command of a fix and hands on each line of what it prints; nil means to run it on this machine. It never
	// reads from a terminal.
	Mend func(ctx context.Context, command []string, line func(string)) error

	omitted string // why the check does not apply; empty when it does
}

// When returns the check as one that applies only if applies is true; otherwise it is Omitted, and why says why.
func (c Check) When(applies bool, why string) Check {
	if !applies && c.omitted == "" {
		c.omitted = why
	}
	return c
}

// ok is the finding of a check that is satisfied.
func ok(format string, args ...any) Finding {
	return Finding{Outcome: OK, Found: fmt.Sprintf(format, args...)}
}

// warning is the finding of a check that is satisfied for now; see because.
func warning(format string, args ...any) Finding {
	return Finding{Outcome: Warning, Found: fmt.Sprintf(format, args...)}
}

// because says what is wrong with what was found.
func (f Finding) because(what, why, next string) Finding {
	f.Problem = &Problem{What: what, Why: why, Next: next}
	return f
}

// details says how a finding came about.
func (f Finding) details(lines ...string) Finding {
	f.Details = lines
	return f
}

// fixable adds to a finding the command that would mend it, and what is left to a person after it.
func (f Finding) fixable(note string, command ...string) Finding {
	f.Fix = &FixInfo{Command: command, Note: note}
	return f
}

// failed is the finding of a check that is not, where what holds Found as well.
func failed(what, why, next string) Finding {
	return Finding{Outcome: Failed, Found: what, Problem: &Problem{What: what, Why: why, Next: next}}
}
