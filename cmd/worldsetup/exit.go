package main

import (
	"fmt"
	"strings"

	"github.com/atomize-hq/worldsetup/provision"
)

// exit is a line of the table of exit codes.
type exit struct {
	Code    int
	Kind    provision.Kind // as in the JSON form of an error; empty for success
	Meaning string
}

// exits is the one table of exit codes. Scripts rely on it: lines may be added and never change their number.
func exits() []exit {
	return []exit{
		{0, "", "ready: the world was proven; for plan: the plan was made, and may be empty; for check: nothing failed"},
		{1, provision.KindInternal, "a bug in worldsetup"},
		{2, provision.KindUsage, "what was asked for cannot be; nothing was changed"},
		{3, provision.KindPrerequisite, "this machine lacks something; nothing was changed"},
		{4, provision.KindReplacement, "only another VM would do, and nobody consented; nothing was changed"},
		{5, provision.KindProvisioning, "a step failed; a rerun carries on"},
		{6, provision.KindUnhealthy, "the world is not ready, or a proof failed"},
		{7, provision.KindBusy, "another run is at work on this VM"},
		{130, provision.KindInterrupted, "stopped by a signal or in the wizard, or nobody reads the output; a rerun carries on"},
	}
}

// exitCode is the exit code for a failure; nil is success.
func exitCode(failure *provision.Error) int {
	var kind provision.Kind
	if failure != nil {
		kind = failure.Kind
	}
	for _, exit := range exits() {
		if exit.Kind == kind && (kind != "" || failure == nil) {
			return exit.Code
		}
	}
	return 1 // a kind that the table does not know is a bug
}

// exitTable is the table as text.
func exitTable() string {
	var text strings.Builder
	for _, exit := range exits() {
		kind := string(exit.Kind)
		if kind == "" {
			kind = "-"
		}
		fmt.Fprintf(&text, "  %-4d  %-12s  %s\n", exit.Code, kind, exit.Meaning)
	}
	return text.String()
}
