package main

import (
	"errors"

	"github.com/atomize-hq/worldsetup/provision"
)

// stoppedWords returns the last line after a no. That is not a failure: there is no error then, and the exit code is
// that of what was not agreed to.
func stoppedWords(failure *provision.Error) string {
	if failure.Kind == provision.KindDisruption || errors.Is(failure, errChanged) {
		return "Stopped. What was done stays; worldsetup goes on from there."
	}
	return "Stopped. Nothing was changed."
}
