package provision

import (
	"slices"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
)

// CheckResult is what a prerequisite came to.
type CheckResult = checks.Result

// OnlyReplacement reports whether only another VM would do, and the plan has no steps for that, since consent is
// missing.
func (p Plan) OnlyReplacement() bool {
	return len(p.Replace) > 0 && len(p.Steps) == 0 && p.Blocked == nil
}

// Creates reports whether the plan creates a VM.
func (p Plan) Creates() bool { return p.has(StepCreate) }

// RestoresBackup reports whether there is no VM, but a backup that a run renames back first.
func (p Plan) RestoresBackup() bool { return p.Existing == nil && p.has(StepUndoPlace) }

// Repairs reports whether there is a world already.
func (p Plan) Repairs() bool { return p.Existing != nil && p.Existing.Layout != "" }

// Usual is how long the steps usually take together.
func (p Plan) Usual() (usual time.Duration) {
	for _, step := range p.Steps {
		usual += step.Usual
	}
	return usual
}

// RollsBack reports whether the step reverts a swap of VMs that failed or was interrupted.
func (id StepID) RollsBack() bool {
	switch id {
	case StepUndoAside, StepUndoPlace, StepUndoStart, StepUndoProve,
		StepUndoRemove, StepUndoMark, StepUndoEmpty, StepUndoRename:
		return true
	}
	return false
}

// Exists reports whether there is a VM.
func (h Health) Exists() bool { return h.Instance != "absent" }

// Keeps reports whether a replaced VM is kept.
func (h Health) Keeps() bool {
	return slices.ContainsFunc(h.Items, func(item Item) bool { return item.ID == "kept" })
}

// Err is the error of a world that is not ready; nil for one that is.
func (h Health) Err() error {
	if h.Ready {
		return nil
	}
	return unhealthy(h)
}
