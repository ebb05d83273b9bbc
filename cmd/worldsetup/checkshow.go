package main

import (
	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

// checksObject is the JSON form of what was checked.
type checksObject struct {
	Schema int `json:"schema"`
	Checks any `json:"checks"`
}

// showChecks shows every result: somebody asked.
func (a *app) showChecks(results []checks.Result) {
	if a.json != nil {
		a.json.answer(checksObject{provision.Schema, results})
		return
	}
	to := newLines(a.out, a.utf8)
	for _, result := range results {
		showCheck(to, result)
		for _, line := range result.Details {
			to.put("  - ", "    ", line)
		}
		if result.Fix != nil {
			to.printf("  fix: %s", result.Fix)
			to.put("  then: ", "        ", result.Fix.Note)
		}
	}
	to.printf("%s, %d failed", count(len(results), "check"), len(checks.Blocking(results)))
}

// listChecks names the checks.
func (a *app) listChecks(list []checks.Check) {
	type name struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	names, rows := []name{}, [][]string{}
	for _, check := range list {
		names = append(names, name{check.ID, check.Title})
		rows = append(rows, []string{check.ID, check.Title})
	}
	if a.json != nil {
		a.json.answer(checksObject{provision.Schema, names})
		return
	}
	table(newLines(a.out, a.utf8), rows)
}
