package provision

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The names of the VMs that stand beside one called NAME while it is replaced, restored or removed, and that a run which
// was killed may leave. The rules are: what is spare is never needed again; what is old or current is somebody's VM, whole
// and stopped, and is made spare only after the VM called NAME was proven. A move is one rename(2), so that at every moment
// each VM has exactly one of the names.
const (
	spareSuffix   = ".ws-tmp"  // in the making, or on its way out
	oldSuffix     = ".ws-old"  // replaced by NAME, or kept
	currentSuffix = ".ws-back" // was NAME until the kept one was to be brought back
)

// unprovenMark is a file in the directory of a VM that was made to replace another and has never been proven.
const unprovenMark = "worldsetup-unproven"

// Siblings are the VMs that stand beside the VM, and what its own directory says. It is derived from Lima's home alone.
type Siblings struct {
	VM      bool // there is a directory of the VM's name, and something is in it
	Hollow  bool // there is one, and it is empty: a creation got that far
	Spare   bool
	Old     bool
	Current bool
	// Torn says that the VM and the old one are two halves of one.
	Torn bool
	// Unproven says that the VM was made to replace the old one, and was not proven.
	Unproven bool
}

// survey looks for the siblings.
func survey(spec Spec) Siblings {
	there := func(name ...string) bool {
		_, err := os.Lstat(filepath.Join(append([]string{spec.LimaHome}, name...)...))
		return err == nil
	}
	entries, err := os.ReadDir(filepath.Join(spec.LimaHome, spec.VM))
	hollow := err == nil && len(entries) == 0
	return Siblings{
		VM: there(spec.VM) && !hollow, Hollow: hollow, Spare: there(spec.VM + spareSuffix), Old: there(spec.VM + oldSuffix), Current: there(spec.VM + currentSuffix),
		Unproven: there(spec.VM, unprovenMark),
		Torn:     !hollow && torn(filepath.Join(spec.LimaHome, spec.VM), filepath.Join(spec.LimaHome, spec.VM+oldSuffix)),
	}
}

// unfinished says that a run was killed while it replaced, restored or removed the VM.
func (s Siblings) unfinished() bool { return len(s.recovery()) > 0 || s.open() }

// open says that the VM is a replacement in the making: it is carried on with, and the old one waits.
func (s Siblings) open() bool { return s.VM && s.Unproven && s.Old }

// kept says that an old VM is kept beside one that has been proven.
func (s Siblings) kept() bool { return s.VM && s.Old && !s.Unproven && !s.Current }

// recovery are the steps that lead out of what a killed run left, to a VM under its own name. They are derived anew after
// each one: what is half done is a state as well.
func (s Siblings) recovery() (steps []Step) {
	vm, old := s.VM, s.Old
	if s.Hollow {
		steps = append(steps, newStep(StepUndoHollow, "an interrupted creation left it, with nothing in it"))
	}
	if s.Torn {
		return append(steps, newStep(StepUndoRename, "a rename of it was interrupted, and neither half is a VM"))
	}
	if s.Current && !(vm && old) {
		if vm { // the kept one, which was not proven yet
			steps = append(steps, newStep(StepUndoAside, "an interrupted run was restoring it"))
		}
		steps = append(steps, newStep(StepUndoPlace, "an interrupted run has put it aside"))
	} else if !vm && old {
		steps = append(steps, newStep(StepUndoPlace, "an interrupted run has put it aside"))
	}
	if s.Spare {
		steps = append(steps, newStep(StepUndoRemove, "an interrupted run left it, and nothing needs it"))
	}
	if s.VM && s.Unproven && !s.Old && !s.Current {
		steps = append(steps, newStep(StepUndoMark, "there is no old VM for which it would have to make way"))
	}
	return steps
}

// recovered are all the steps of a recovery, and what stands there after them.
func (s Siblings) recovered() (all []Step, after Siblings) {
	for next := s.recovery(); len(next) > 0 && len(all) < 10; next = s.recovery() { // far more than there are states
		all, s = append(all, next[0]), s.after(next[0])
	}
	return all, s
}

// after is what stands there after a step of a recovery.
func (s Siblings) after(step Step) Siblings {
	switch step.ID {
	case StepUndoHollow:
		s.Hollow = false
	case StepUndoRename:
		s.VM, s.Old, s.Torn = true, false, false
	case StepUndoAside: // see undoAside
		s.VM, s.Unproven = false, false
		s.Old, s.Spare = s.Old || s.Current, s.Spare || !s.Current
	case StepUndoPlace:
		s.VM = true
		if s.Current {
			s.Current = false
		} else {
			s.Old = false
		}
	case StepUndoRemove:
		s.Spare = false
	case StepUndoMark:
		s.Unproven = false
	}
	return s
}

// reserved says that a VM of that name is one of another's siblings.
func reserved(name string) bool {
	return slices.ContainsFunc([]string{spareSuffix, oldSuffix, currentSuffix}, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// siblings adds a line about what stands beside the VM, if something does.
func (h *Health) siblings(spec Spec, s Siblings) {
	switch {
	case s.open():
		h.item("replacement", "replacement", Failed, "ended", "a run is replacing the VM, or was killed while it did; the old one is whole, as "+spec.VM+oldSuffix, remedy)
	case s.unfinished():
		h.item("replacement", "replacement", Failed, "ended", "a run is at work on whole VMs, or was killed while it was", remedy)
	case s.kept():
		h.item("kept", "kept VM", Info, "", spec.VM+oldSuffix+"; worldsetup restore brings it back", "")
	}
}
