package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// showChecks shows what failed, the causes of others first, and what there are warnings about, and folds the rest. With
// all, it shows the rest as well, before that.
func showChecks(to *lines, list []checks.Check, results []checks.Result, all bool) {
	failed, warned, fine := sortResults(list, results)
	if all {
		for _, result := range fine {
			showResult(to, result, all)
		}
	}
	for _, result := range slices.Concat(failed, warned) {
		showResult(to, result, all)
	}
	if !all {
		showFine(to, fine, len(failed)+len(warned) > 0)
	}
	sumUp(to, failed, warned)
}

// showFine shows in one line how many are fine, and how many wait for those that failed.
func showFine(to *lines, fine []checks.Result, more bool) {
	n := map[checks.Outcome]int{}
	for _, result := range fine {
		n[result.Outcome]++
	}
	words := "are fine"
	if more {
		words = "more are fine"
	}
	words = fmt.Sprintf("%d %s", n[checks.OK]+n[checks.Info], words)
	if n[checks.Skipped] > 0 {
		words += fmt.Sprintf(", %d wait for these", n[checks.Skipped])
	}
	to.drawn(to.mark(checks.OK), " ", words, to.paint(dimTone, " (worldsetup check -v)"))
}

// sortResults divides results into those that failed, those to be warned about, and the rest.
func sortResults(list []checks.Check, results []checks.Result) (failed, warned, fine []checks.Result) {
	for _, result := range results {
		switch {
		case result.Outcome == checks.Failed:
		case result.Outcome.IsProblem():
			warned = append(warned, result)
		default:
			fine = append(fine, result)
		}
	}
	return checks.Causes(list, results), warned, fine
}

// sumUp shows how much is to be fixed, and what --fix would run.
func sumUp(to *lines, failed, warned []checks.Result) {
	words := "Nothing to fix"
	if len(failed) > 0 {
		words = fmt.Sprintf("%d to fix", len(failed))
	}
	if len(warned) > 0 {
		words += ", " + plaintext.Count(len(warned), "warning")
	}
	var fixes []string
	for _, result := range failed {
		if result.Fix != nil && !slices.Contains(fixes, result.Fix.String()) {
			fixes = append(fixes, result.Fix.String())
		}
	}
	if len(fixes) == 0 {
		to.drawn(words, ".")
		return
	}
	to.drawn(words, ". worldsetup check --fix runs: ", to.paint(typeTone, strings.Join(fixes, "; ")))
}

// showResult shows a check with what to do about it, and with all how its finding came about.
func showResult(to *lines, result checks.Result, all bool) {
	result.Finding = folded(result.Finding, all)
	showCheck(to, result)
	if !all {
		return
	}
	for _, line := range result.Details {
		to.put("    - ", "      ", line)
	}
	if result.Fix != nil {
		to.put("    then: ", "          ", result.Fix.Note)
	}
}

// showCheck shows the finding of a check, and what to do about it.
func showCheck(to *lines, result checks.Result) {
	to.drawn(to.mark(result.Outcome), " ", to.paint(strongTone, result.Title), ": ", oneLine(to, result.Found))
	showAdvice(to, result.Finding)
}

func showAdvice(to *lines, finding provision.Finding) {
	to.more("    ", finding.Why)
	to.typed("    ", finding.Next)
}
