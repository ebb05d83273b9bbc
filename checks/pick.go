package checks

import (
	"fmt"
	"slices"
	"strings"
)

// Pick returns the checks of list that ids name, in the order of the list; without ids, all of them.
func Pick(list []Check, ids []string) ([]Check, error) {
	if len(ids) == 0 {
		return list, nil
	}
	for _, id := range ids {
		if !slices.ContainsFunc(list, func(check Check) bool { return check.ID == id }) {
			return nil, fmt.Errorf("there is no check %q", id)
		}
	}
	var picked []Check
	for _, check := range list {
		if slices.Contains(ids, check.ID) {
			picked = append(picked, check)
		}
	}
	return picked, nil
}

// IDs names the checks of a list, for a person.
func IDs(list []Check) string {
	var ids []string
	for _, check := range list {
		ids = append(ids, check.ID)
	}
	return strings.Join(ids, ", ")
}

// Blocking are the results that keep a world from being made.
func Blocking(results []Result) (blocking []Result) {
	for _, result := range results {
		if result.Outcome == Failed {
			blocking = append(blocking, result)
		}
	}
	return blocking
}
