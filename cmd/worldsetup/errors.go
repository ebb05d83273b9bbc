package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/atomize-hq/worldsetup/provision"
)

// usage makes an error about how the command was called.
func usage(next, format string, args ...any) *provision.Error {
	return &provision.Error{Kind: provision.KindUsage, What: fmt.Sprintf(format, args...), Next: next}
}

// flagError puts what pflag says into our words. help is the command that lists the flags.
func flagError(help string, err error) error {
	next := help + " lists the flags"
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		name := "--" + unknown.GetSpecifiedName()
		if shorts := unknown.GetSpecifiedShortnames(); shorts != "" {
			name = "-" + unknown.GetSpecifiedName()
		}
		return usage(next, "there is no flag %s", name)
	}
	if bare := (*pflag.ValueRequiredError)(nil); errors.As(err, &bare) {
		return usage(next, "--%s needs a value", bare.GetSpecifiedName())
	}
	if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) {
		return usage(next, "%q is no value for --%s", invalid.GetValue(), invalid.GetFlag().Name)
	}
	return usage(next, "%v", err)
}

// printError shows a failure as three labelled parts.
func printError(to *lines, failure *provision.Error) {
	to.put("error: ", "       ", failure.What)
	to.put("  why: ", "       ", failure.Why)
	to.put("  next: ", "        ", failure.Next)
}
