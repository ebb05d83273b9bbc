package provision

import (
	"fmt"
	"runtime/debug"
)

// StoppedError is the error of a run that a person, a signal or a closed terminal stopped.
func StoppedError(what string, cause error) *Error {
	failure := &Error{Kind: KindInterrupted, What: what, Next: "run worldsetup again: it carries on from there",
		Err: cause}
	if cause != nil {
		failure.Why = cause.Error()
	}
	return failure
}

// DeclinedError is the error of a plan that got no consent.
func DeclinedError() *Error {
	return &Error{
		Kind: KindInterrupted, What: "stopped; nothing was changed",
		Next: "run worldsetup again; `worldsetup plan` prints what it would do",
	}
}

// PanicError is the error of a bug: problem is what recover returned.
func PanicError(problem any) *Error {
	return &Error{
		Kind: KindInternal, What: "unexpected internal error", Why: fmt.Sprintf("%v\n%s", problem, debug.Stack()),
		Next: "report it with these lines; running it again does no harm",
	}
}
