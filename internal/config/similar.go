package config

import (
	"fmt"
	"strings"
)

// unknown is the error of a key that nobody knows.
func unknown(path string, entry Entry, keys []Key) error {
	names := []string{}
	for _, key := range keys {
		if key.Never == "" {
			names = append(names, key.Name)
		}
	}
	next := "the keys are: " + strings.Join(names, ", ")
	if near := nearest(entry.Key, names); near != "" {
		next = fmt.Sprintf("did you mean %s? %s", near, next)
	}
	return usage(next, "%s:%d: there is no key %q", path, entry.Line, entry.Key)
}

// nearest is the name that somebody may have meant; empty when none is near.
func nearest(key string, names []string) (near string) {
	plain := strings.NewReplacer("-", "", "_", "", ".", "", " ", "")
	key = plain.Replace(strings.ToLower(key))
	least := 3 // of cobra's suggestions, too: two letters may be wrong
	for _, name := range names {
		bare := plain.Replace(name)
		if d := distance(key, bare); d < least && d < len(bare) {
			least, near = d, name
		}
	}
	return near
}

// distance is the number of letters to put in, to leave out or to change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := corner
			if a[i] != b[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}
