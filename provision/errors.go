package provision

import (
	"errors"
	"fmt"
)

// Kind is the class of a failure: what a program would decide by.
type Kind string

// The kinds of failure.
const (
	KindUsage        Kind = "usage"        // the Spec asks for something that cannot be; nothing was changed
	KindPrerequisite Kind = "prerequisite" // this machine lacks something; nothing was changed
	KindReplacement  Kind = "replacement"  // only another VM would do, and nobody consented to that; nothing was changed
	KindProvisioning Kind = "provisioning" // a step failed
	KindUnhealthy    Kind = "unhealthy"    // every step worked or none was due, and the world still is not ready
	KindBusy         Kind = "busy"         // another run is at work on this VM
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
	if known := (*Error)(nil); errors.As(err, &known) {
		return known
	}
	return &Error{
		Kind: KindInternal,
		What: "worldsetup met an error that it has no words for",
		Why:  err.Error(),
		Next: "run it again; if it stays, report it with the log",
		Err:  err,
	}
}

// usage makes a KindUsage error.
func usage(next, format string, args ...any) *Error {
	return &Error{Kind: KindUsage, What: fmt.Sprintf(format, args...), Next: next}
}
