// Package finding holds what checks, plans and health reports have in common: the one finding, with its outcome, and
// the one error. Both show a person what happened, why, and what to type. It imports nothing of worldsetup.
package finding

import (
	"errors"
	"io/fs"
	"time"
)

// Outcome is the result of observing one thing.
type Outcome string

// The outcomes.
const (
	OK      Outcome = "ok"
	Info    Outcome = "info"    // worth knowing
	Warning Outcome = "warning" // works now, but not for long or not for everyone
	Failed  Outcome = "error"
	Skipped Outcome = "skipped" // something that it requires failed
	Omitted Outcome = "omitted" // does not apply here
	Pending Outcome = "pending" // announced, not done yet
	Unknown Outcome = "unknown" // could not be determined
)

// IsProblem reports whether a person should read about what has this outcome.
func (o Outcome) IsProblem() bool { return o == Failed || o == Warning || o == Unknown }

// Finding is what came of observing one thing.
type Finding struct {
	ID      string        `json:"id"` // stable, kebab-case
	Title   string        `json:"title"`
	Outcome Outcome       `json:"outcome"`
	Want    string        `json:"want,omitempty"`    // what it should be, where that is not obvious
	Found   string        `json:"found,omitempty"`   // what it is, in a few words; of what Failed, what is wrong
	Details []string      `json:"details,omitempty"` // how that was found, line by line
	Why     string        `json:"why,omitempty"`     // the cause or the evidence; may have several lines
	Next    string        `json:"next,omitempty"`    // what to do, with the command to type
	Elapsed time.Duration `json:"elapsed_ns,omitzero"`
}

// Kind is the class of a failure: what a program decides by.
type Kind string

// The kinds of failure.
const (
	KindUsage        Kind = "usage"        // invalid usage or configuration; nothing was changed
	KindPrerequisite Kind = "prerequisite" // this machine lacks something; nothing was changed
	KindReplacement  Kind = "replacement"  // the VM must be replaced, and there is no consent; nothing was changed
	KindProvisioning Kind = "provisioning" // a step failed
	KindUnhealthy    Kind = "unhealthy"    // no step failed, and the world still is not ready
	KindBusy         Kind = "busy"         // another run holds the lock of this VM
	KindDisruption   Kind = "disruption"   // continuing would interrupt more than was agreed to
	KindInterrupted  Kind = "interrupted"  // the caller's context ended
	KindInternal     Kind = "internal"     // a bug in worldsetup
)

// Error is a failure that a person can act on. Its fields are joined only where it is shown.
type Error struct {
	Kind Kind   `json:"kind"`
	What string `json:"what"`           // what happened
	Why  string `json:"why,omitempty"`  // the cause or the evidence; may have several lines
	Next string `json:"next,omitempty"` // what to do, with the command to type
	Err  error  `json:"-"`              // the error behind it, for errors.Is and errors.As
	// Lacks is all that this machine lacks, the causes of others first.
	Lacks []Finding `json:"lacks,omitempty"`

	// Option names the option of the command whose value is wrong, as in "agent"; empty when the text reports it all.
	Option string `json:"-"`
}

func (e *Error) Error() string {
	if e.Why == "" {
		return e.What
	}
	return e.What + ": " + e.Why
}

func (e *Error) Unwrap() error { return e.Err }

// AsError returns the Error in err's chain, or wraps err as an internal one. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	return &Error{
		Kind: KindInternal, What: "unexpected internal error", Why: err.Error(),
		Next: "run worldsetup again; if the error stays, report it with the log", Err: err,
	}
}

// Cause returns the part of a file's error that does not repeat the path.
func Cause(err error) error {
	if failure, ok := errors.AsType[*fs.PathError](err); ok {
		return failure.Err
	}
	return err
}
