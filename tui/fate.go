package tui

import (
	"slices"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// fate writes what goes away, and what is kept.
func fate(t *text) func(lost, kept string) {
	return func(lost, kept string) {
		t.blank()
		t.put(t.warn.Render("! goes away:")+" ", lost)
		t.put(t.mark(provision.OK)+" kept: ", kept)
	}
}

// gone says whether a VM is removed for good.
func gone(plan provision.Plan) bool {
	return slices.ContainsFunc(plan.Steps, func(s provision.Step) bool { return s.Destroys })
}

// Fate says what is lost when a plan that destroys is carried out, and what is kept.
func Fate(plan provision.Plan) (lost, kept string) {
	lost, kept = onlyThere(plan.Existing), elsewhere(plan.Existing)
	switch {
	case len(plan.Replace) > 0 && !gone(plan):
		lost = "nothing: the old VM is kept, stopped and under another name, for `worldsetup restore`"
	case len(plan.Replace) > 0:
		kept += ". The old VM is kept until the new one answers, and put back if it never does"
	}
	return lost, kept
}

// FateOfRestoring says the same of bringing the kept VM back in the place of the one that there is; e may be nil.
func FateOfRestoring(e *provision.Existing) (lost, kept string) {
	return "of the VM that there is now, " + onlyThere(e),
		"the VM that was kept, with everything in it; " + elsewhere(e) + ". The VM that there is now is put back if the other one does not answer"
}

// FateOfRemoving says the same of taking the world away; e may be nil.
func FateOfRemoving(e *provision.Existing) (lost, kept string) {
	lost = onlyThere(e)
	if e != nil && e.Kept != "" {
		lost += "; the kept VM " + e.Kept + " with all of its own"
	}
	return lost + "; the log of the last run", elsewhere(e) + "; what Lima has downloaded"
}

// onlyThere is what is in a VM only.
func onlyThere(e *provision.Existing) string {
	lost := "the disk of the VM with everything that is only there: installed programs, containers, files outside of the mounts"
	if e != nil && e.DiskUsed > 0 {
		lost += " (" + plaintext.Bytes(e.DiskUsed) + ")"
	}
	return lost
}

// elsewhere is what a VM only shows.
func elsewhere(e *provision.Existing) string {
	kept := "the project"
	if e != nil && e.Project != "" {
		kept += " " + e.Project
	}
	return kept + " and your home directory, which are on this machine"
}
