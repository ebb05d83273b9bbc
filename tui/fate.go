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

// FateOfRestoring says the same of a plan that brings the kept VM back in the place of the one that there is.
func FateOfRestoring(plan provision.Plan) (lost, kept string) {
	kept = "the VM that was kept, with everything in it; "
	switch {
	case does(plan, provision.StepRestoreRemove):
		lost = "of the VM that there is now, " + onlyThere(plan.Existing)
	case does(plan, provision.StepRestoreKeep):
		lost = "nothing"
		kept += "the VM that there is now, stopped and under another name, for `worldsetup restore`; "
	case gone(plan):
		return "what an interrupted run has left and nothing needs", kept + elsewhere(plan.Existing)
	default:
		return "nothing", kept + elsewhere(plan.Existing)
	}
	return lost, kept + elsewhere(plan.Existing) + ". The VM that there is now is put back if the other one does not answer"
}

// FateOfRemoving says the same of a plan that takes the world away.
func FateOfRemoving(plan provision.Plan) (lost, kept string) {
	if does(plan, provision.StepRemoveVM) {
		lost = onlyThere(plan.Existing) + "; "
	}
	if does(plan, provision.StepRemoveKept) {
		lost += "the kept VM " + keptName(plan.Existing) + "with all of its own; "
	}
	if does(plan, provision.StepUndoRemove) {
		lost += "what an interrupted run has left; "
	}
	return lost + "the log of the last run", elsewhere(plan.Existing) + "; what Lima has downloaded"
}

func keptName(e *provision.Existing) string {
	if e == nil || e.Kept == "" {
		return ""
	}
	return e.Kept + " "
}

// does says whether a step is among those of a plan.
func does(plan provision.Plan, id provision.StepID) bool {
	return slices.ContainsFunc(plan.Steps, func(s provision.Step) bool { return s.ID == id })
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
