package provision

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Kind is the class of a failure, for programs to decide by.
type Kind = finding.Kind

// The kinds of failure.
const (
	KindUsage        = finding.KindUsage
	KindPrerequisite = finding.KindPrerequisite
	KindReplacement  = finding.KindReplacement
	KindProvisioning = finding.KindProvisioning
	KindUnhealthy    = finding.KindUnhealthy
	KindBusy         = finding.KindBusy
	KindDisruption   = finding.KindDisruption
	KindInterrupted  = finding.KindInterrupted
	KindInternal     = finding.KindInternal
)

// Finding is the result of a check, of a line of a health report or of an attempt to connect.
type Finding = finding.Finding

// Outcome is the outcome of a Finding.
type Outcome = finding.Outcome

// The outcomes. Only a check is Skipped or Pending.
const (
	OK      = finding.OK
	Info    = finding.Info
	Warning = finding.Warning
	Failed  = finding.Failed
	Unknown = finding.Unknown
	Skipped = finding.Skipped
	Omitted = finding.Omitted
	Pending = finding.Pending
)

// Error is a failure that a user can act on. Its fields are joined only where it is shown.
type Error = finding.Error

// AsError returns the Error in err's chain, or wraps err as an internal one. It returns nil for nil.
func AsError(err error) *Error { return finding.AsError(err) }

// usage makes a KindUsage error.
func usage(next, format string, args ...any) *Error {
	return &Error{Kind: KindUsage, What: fmt.Sprintf(format, args...), Next: next}
}

// about sets the option whose value is wrong.
func about(option string, failure *Error) *Error {
	failure.Option = option
	return failure
}

// carriesOn is the advice after a run that failed or was interrupted. A replacement that was rolled back has another.
const carriesOn = "run worldsetup again: it carries on from here"

// StoppedError is the error of a run that was stopped by the user, a signal or a closed terminal.
func StoppedError(what string, cause error) *Error {
	failure := &Error{Kind: KindInterrupted, What: what, Next: "run worldsetup again: it carries on from there",
		Err: cause}
	if cause != nil {
		failure.Why = cause.Error()
	}
	return failure
}

// errDeclined marks the error of who said no.
var errDeclined = errors.New("it was declined")

// DeclinedError is the error of a plan that got no consent.
func DeclinedError() *Error {
	return &Error{
		Kind: KindInterrupted, What: "stopped; nothing was changed",
		Next: "run worldsetup again; `worldsetup plan` prints what it would do", Err: errDeclined,
	}
}

// Declined returns err, marked as the error of a call in which the user declined what would have helped.
func Declined(err error) *Error {
	said := *AsError(err)
	said.Err = errors.Join(errDeclined, said.Err)
	return &said
}

// IsDeclined reports whether err only says that the user declined: nothing went wrong.
func IsDeclined(err error) bool { return errors.Is(err, errDeclined) }

// PanicError is the error of a bug: problem is what recover returned.
func PanicError(problem any) *Error {
	return &Error{
		Kind: KindInternal, What: "unexpected internal error", Why: fmt.Sprintf("%v\n%s", problem, debug.Stack()),
		Next: "report it with these lines; running it again does no harm",
	}
}

// cannotList is what happened when Lima does not list its VMs.
const cannotList = "Lima can't list its VMs"

// limaError turns an error of limactl into one that a user can act on.
func limaError(ctx context.Context, what string, err error) *Error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	failure := &Error{Kind: KindPrerequisite, What: what, Why: err.Error(),
		Next: "see what `limactl list` prints", Err: err}
	if refused, ok := errors.AsType[*lima.CommandError](err); ok && refused.HomeOnNFS() {
		failure.Next = "use a Lima home on a disk of this machine: export LIMA_HOME=DIR; or upgrade Lima"
	}
	if process.Killed(err) {
		failure.Next = process.KilledNext
	}
	if _, ok := errors.AsType[*lima.NotInstalledError](err); ok {
		failure.Next = "install Lima: brew install lima, or see https://lima-vm.io/docs/installation/"
	}
	return failure
}

// interrupted is the error of a run whose context ended.
func interrupted(ctx context.Context) *Error {
	cause := context.Cause(ctx)
	failure := &Error{Kind: KindInterrupted, What: "the run was interrupted", Why: cause.Error(),
		Next: carriesOn, Err: cause}
	if errors.Is(cause, errTimeout) {
		failure.Kind = KindProvisioning
		failure.What = "the run took too long"
	}
	return failure
}

var errTimeout = errors.New("the time limit of --timeout was reached")

// explainNetworks adds to a failure what limactl reports about its networks, if that is why it failed.
func explainNetworks(limaHome string, failure *Error, err error) {
	if refused, ok := errors.AsType[*lima.CommandError](err); ok {
		if why, next, found := refused.NetworkFault(limaHome); found {
			failure.Why += "\n" + why
			failure.Next = next + "; then run worldsetup again"
		}
	}
}
