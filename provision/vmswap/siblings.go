package vmswap

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The suffixes of the names that stand beside a VM's own.
const (
	Spare     = ".ws-tmp"
	Backup    = ".ws-old"
	Displaced = ".ws-back"
)

// unverifiedMark is a file in the directory of a VM that was made to replace another and has never been verified.
const unverifiedMark = "worldsetup-unproven"

// Siblings are the VMs that stand beside the VM, and what its own directory says. It is derived from Lima's home alone.
type Siblings struct {
	VM        bool // there is a directory of the VM's name, and something is in it
	Empty     bool // there is one, and it is empty: a creation got that far
	Spare     bool
	Backup    bool
	Displaced bool
	// Partial says that the VM and the backup are two halves of one.
	Partial bool
	// Unverified says that the VM was made to replace the backup, and was not verified.
	Unverified bool
}

// Survey returns the siblings.
func (p Place) Survey() Siblings {
	there := func(path string) bool {
		_, err := os.Lstat(path)
		return err == nil
	}
	entries, err := os.ReadDir(p.Dir(""))
	empty := err == nil && len(entries) == 0
	return Siblings{
		VM: there(p.Dir("")) && !empty, Empty: empty,
		Spare: there(p.Dir(Spare)), Backup: there(p.Dir(Backup)), Displaced: there(p.Dir(Displaced)),
		Unverified: there(filepath.Join(p.Dir(""), unverifiedMark)),
		Partial:    !empty && halves(p.Dir(""), p.Dir(Backup)),
	}
}

// Unfinished says that a run was killed while it replaced, restored or removed the VM.
func (s Siblings) Unfinished() bool { return len(s.Recovery()) > 0 || s.Pending() }

// Pending says that the VM is a replacement in the making: a run carries on with it, and the backup waits.
func (s Siblings) Pending() bool { return s.VM && s.Unverified && s.Backup }

// Kept says that a backup is kept beside a VM that was verified.
func (s Siblings) Kept() bool { return s.VM && s.Backup && !s.Unverified && !s.Displaced }

// Action is one step of a recovery.
type Action struct{ ID, Reason string }

// The IDs of actions.
const (
	UndoAside  = "rollback-displace"
	UndoPlace  = "rollback-place"
	UndoRemove = "rollback-remove"
	UndoMark   = "rollback-mark"
	UndoEmpty  = "rollback-empty"
	UndoRename = "rollback-rejoin"
)

// Recovery returns the actions that lead out of what a killed run left, to a VM under its own name. They are derived
// again after each one: what is half done is a state as well.
func (s Siblings) Recovery() (actions []Action) {
	if s.Empty {
		actions = append(actions, Action{UndoEmpty, "an interrupted creation left it, with nothing in it"})
	}
	if s.Partial {
		return append(actions, Action{UndoRename, "a rename of it was interrupted, and neither half is a VM"})
	}
	if s.Displaced && !(s.VM && s.Backup) {
		if s.VM { // the backup, which was not verified yet
			actions = append(actions, Action{UndoAside, "an interrupted run was restoring it"})
		}
		actions = append(actions, Action{UndoPlace, "an interrupted run renamed it"})
	} else if !s.VM && s.Backup {
		actions = append(actions, Action{UndoPlace, "an interrupted run renamed it"})
	}
	if s.Spare {
		actions = append(actions, Action{UndoRemove, "an interrupted run left it, and nothing needs it"})
	}
	if s.VM && s.Unverified && !s.Backup && !s.Displaced {
		actions = append(actions, Action{UndoMark, "there is no old VM for which it would have to make way"})
	}
	return actions
}

// maxRecovery is far more actions than there are states.
const maxRecovery = 10

// Recovered returns all the actions of a recovery, and what stands there after them.
func (s Siblings) Recovered() (all []Action, after Siblings) {
	for next := s.Recovery(); len(next) > 0 && len(all) < maxRecovery; next = s.Recovery() {
		all, s = append(all, next[0]), s.After(next[0].ID)
	}
	return all, s
}

// After returns what stands there after an action.
func (s Siblings) After(id string) Siblings {
	switch id {
	case UndoEmpty:
		s.Empty = false
	case UndoRename:
		s.VM, s.Backup, s.Partial = true, false, false
	case UndoAside: // see Place.UndoAside
		s.VM, s.Unverified = false, false
		s.Backup, s.Spare = s.Backup || s.Displaced, s.Spare || !s.Displaced
	case UndoPlace:
		s.VM = true
		if s.Displaced {
			s.Displaced = false
		} else {
			s.Backup = false
		}
	case UndoRemove:
		s.Spare = false
	case UndoMark:
		s.Unverified = false
	}
	return s
}

// Reserved says that a VM of that name would be one of another's siblings.
func Reserved(name string) bool {
	suffixes := []string{Spare, Backup, Displaced}
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}
