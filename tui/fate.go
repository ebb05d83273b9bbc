package tui

import "github.com/atomize-hq/worldsetup/provision"

// fate writes what goes away, and what is kept.
func fate(t *text) func(lost, kept string) {
	return func(lost, kept string) {
		t.blank()
		t.put(t.warn.Render("! goes away:")+" ", lost)
		t.put(t.mark(provision.OK)+" kept: ", kept)
	}
}
