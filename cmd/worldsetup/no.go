package main

import (
	"errors"

	"github.com/atomize-hq/worldsetup/provision"
)

// stoppedWords returns the last line after a no. That is not a failure: there is no error then, and the exit code is
// that of what was not agreed to.
func stoppedWords(failure *provision.Error) string {
	if failure.Kind == provision.KindDisruption || errors.Is(failure, errChanged) {
		return "Stopped. Finished steps are kept; run worldsetup again to continue."
	}
	return "Stopped. Nothing was changed."
}
