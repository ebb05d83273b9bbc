package tui

import (
	"fmt"
	"slices"
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// existing writes what there is now.
func existing(f *facts, t *text) {
	e := f.plan.Existing
	switch {
	case e != nil:
		t.heading("What exists now")
	case slices.ContainsFunc(f.plan.Steps, func(s provision.Step) bool { return s.ID == provision.StepCreate }):
		t.heading("What exists now")
		t.put("  ", "There is no VM called "+f.plan.VM+".")
		return
	case f.plan.RestoresBackup():
		t.heading("What exists now")
		t.put("  ", "There is no VM called "+f.plan.VM+". An old one stands aside, whole and stopped; it gets its name back.")
		return
	default:
		return
	}
	t.field("VM", note(f.plan.VM+": "+e.Status, pair(e.Type, e.Arch), when(e.Protected, "protected against deletion")))
	t.field("size", fmt.Sprintf("%s, %s of memory, a disk of %s", count(e.CPUs, "processor"), plaintext.Bytes(e.Memory), plaintext.Bytes(e.Disk))+
		when(e.DiskUsed > 0, ", which takes "+plaintext.Bytes(e.DiskUsed)+" on this machine"))
	if !e.Created.IsZero() {
		t.field("made", fmt.Sprintf("%s ago, on %s", age(f.now.Sub(e.Created)), e.Created.Local().Format(time.DateOnly)))
	}
	t.field("layout", orElse(e.Layout, "not seen"))
	t.field("project", e.Project)
	t.field("kept", when(e.Kept != "", e.Kept+", which can be brought back"))
}

// pair joins two words.
func pair(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ", " + b
}

func orElse(words, none string) string {
	if words == "" {
		return none
	}
	return words
}

// age is how old something is, in the largest unit that fits.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return count(int(max(0, d)/time.Minute), "minute")
}
