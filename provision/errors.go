package provision

import (
	"fmt"

	"github.com/atomize-hq/worldsetup/provision/finding"
)

// Kind is the class of a failure: what a program decides by.
type Kind = finding.Kind

// The kinds of failure.
const (
	KindUsage        = finding.KindUsage
	KindPrerequisite = finding.KindPrerequisite
	KindReplacement  = finding.KindReplacement
	KindProvisioning = finding.KindProvisioning
	KindUnhealthy    = finding.KindUnhealthy
	KindBusy         = finding.KindBusy
	KindInterrupted  = finding.KindInterrupted
	KindInternal     = finding.KindInternal
)

// Error is a failure that a person can act on. Its fields are joined only where it is shown.
type Error = finding.Error

// AsError returns the Error in err's chain, or wraps err as an internal one. It returns nil for nil.
func AsError(err error) *Error { return finding.AsError(err) }

// usage makes a KindUsage error.
func usage(next, format string, args ...any) *Error {
	return &Error{Kind: KindUsage, What: fmt.Sprintf(format, args...), Next: next}
}

// about names the option whose value is wrong.
func about(option string, failure *Error) *Error {
	failure.Option = option
	return failure
}
