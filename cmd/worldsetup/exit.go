package main

import (
	"cmp"
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

// exits is the one table of exit codes. Scripts rely on it: lines may be added, but their numbers never change.
var exits = []exit{
	{0, "", "ready: the world was verified; for plan: the plan was made, and may be empty; " +
		"for check: nothing failed; for remove: the world was deleted; for init: the file was written; " +
		"for trust: the file is trusted"},
	{1, provision.KindInternal, "a bug in worldsetup"},
	{2, provision.KindUsage, "invalid usage or configuration; nothing was changed"},
	{3, provision.KindPrerequisite, "this machine lacks a prerequisite; nothing was changed"},
	{4, provision.KindReplacement, "a VM would have to be replaced or deleted, without consent; nothing was changed"},
	{5, provision.KindProvisioning, "a step failed; a rerun continues; for a replacement: the old VM was restored, " +
		"or the next run restores it"},
	{6, provision.KindUnhealthy, "the world is not ready, or its verification failed"},
	{7, provision.KindBusy, "another run is in progress on this VM"},
	{8, provision.KindDisruption, "continuing would interrupt more than was agreed to (--allow); a rerun continues"},
	{130, provision.KindInterrupted,
		"stopped by a signal or in the wizard, or the output is not read; a rerun continues"},
}

// exitCode returns the exit code for a failure; nil is success.
func exitCode(failure *provision.Error) int {
	if failure == nil {
		return 0
	}
	for _, e := range exits {
		if e.Kind == failure.Kind && failure.Kind != "" {
			return e.Code
		}
	}
	return 1 // a kind that the table lacks is a bug
}

// exitTable returns the table as text.
func exitTable() string {
	var text strings.Builder
	for _, e := range exits {
		fmt.Fprintf(&text, "  %-4d  %-12s  %s\n", e.Code, cmp.Or(e.Kind, "-"), e.Meaning)
	}
	return text.String()
}

// kindOf returns the kind of an error; empty for nil.
func kindOf(err error) provision.Kind {
	if failure := provision.AsError(err); failure != nil {
		return failure.Kind
	}
	return ""
}

// usage makes an error about how the command was called.
func usage(next, format string, args ...any) *provision.Error {
	return &provision.Error{Kind: provision.KindUsage, What: fmt.Sprintf(format, args...), Next: next}
}

// printError shows a failure as three labelled parts, and what else this machine lacks.
func printError(to *lines, failure *provision.Error) {
	to.put(to.paint(badTone, "error:")+" ", "       ", failure.What)
	to.put("  why: ", "       ", failure.Why)
	to.advise("  next: ", "        ", failure.Next)
	lacks := failure.Lacks
	if failure.Kind == provision.KindPrerequisite && len(lacks) > 0 {
		lacks = lacks[1:] // the error describes the first
	}
	for _, one := range lacks {
		to.put("  lacks: ", "         ", one.Title+": "+one.Found)
		to.put("    why: ", "         ", one.Why)
		to.advise("    next: ", "          ", one.Next)
	}
}
