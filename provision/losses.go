package provision

import (
	"slices"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// Destroys reports whether the plan deletes something that nothing can restore.
func (p Plan) Destroys() bool { return len(p.Replace) > 0 || p.deletesVM() }

func (p Plan) deletesVM() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Destroys })
}

// Losses describes what a run deletes when it applies the plan, and what it keeps.
func (p Plan) Losses() (deleted, kept string) {
	deleted, kept = p.Existing.onlyInVM(), p.Existing.onHost()
	switch {
	case len(p.Replace) > 0 && !p.deletesVM():
		deleted = "nothing: the old VM is kept, stopped and under another name, for `worldsetup restore`"
	case len(p.Replace) > 0:
		kept += ". The old VM is kept until the new one answers, and restored if it never does"
	}
	return deleted, kept
}

// RestoreLosses describes the same for a plan of [Setup.PlanRestore].
func (p Plan) RestoreLosses() (deleted, kept string) {
	kept = "the VM that was kept, with everything in it; "
	switch {
	case p.has(StepRestoreRemove):
		deleted = "of the current VM, " + p.Existing.onlyInVM()
	case p.has(StepRestoreKeep):
		deleted = "nothing"
		kept += "the current VM, stopped and under another name, for `worldsetup restore`; "
	case p.deletesVM():
		return "leftovers of an interrupted run", kept + p.Existing.onHost()
	default:
		return "nothing", kept + p.Existing.onHost()
	}
	return deleted, kept + p.Existing.onHost() + ". The current VM is restored if the other one does not answer"
}

// RemoveLosses describes the same for a plan of [Setup.PlanRemove].
func (p Plan) RemoveLosses() (deleted, kept string) {
	if p.has(StepRemoveVM) {
		deleted = p.Existing.onlyInVM() + "; "
	}
	if p.has(StepRemoveKept) {
		name := ""
		if p.Existing != nil && p.Existing.Kept != "" {
			name = p.Existing.Kept + " "
		}
		deleted += "the kept VM " + name + "with everything in it; "
	}
	if p.has(StepUndoRemove) {
		deleted += "leftovers of an interrupted run; "
	}
	return deleted + "the log of the last run", p.Existing.onHost() + "; Lima's downloads"
}

// onlyInVM describes what is in the VM and nowhere else.
func (e *Existing) onlyInVM() string {
	lost := "the disk of the VM with everything that is only there: " +
		"installed programs, containers, files outside of the mounts"
	if e != nil && e.DiskUsed > 0 {
		lost += " (" + plaintext.Bytes(e.DiskUsed) + ")"
	}
	return lost
}

// onHost describes what the VM shows and the host has.
func (e *Existing) onHost() string {
	kept := "the project"
	if e != nil && e.Project != "" {
		kept += " " + e.Project
	}
	return kept + " and your home directory, which are on this machine"
}
