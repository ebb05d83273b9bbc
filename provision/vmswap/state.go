package vmswap

import (
	"path/filepath"
	"slices"
	"strings"
)

// The suffixes of the VMs beside a VM.
const (
	Staged    = ".ws-tmp"
	Backup    = ".ws-old"
	Displaced = ".ws-back"
)

// unverifiedMark is a file in the directory of a VM that was made to replace another and has never been verified.
const unverifiedMark = "worldsetup-unproven"

// State describes the VM's directory and the VMs beside it. It is derived from Lima's home alone.
type State struct {
	VM        bool // there is a directory of the VM's name, and something is in it
	Ours      bool // what is in it proves that it is worldsetup's
	Empty     bool // there is one, and it is empty: a creation got that far
	Staged    bool // this and the next two are worldsetup's, or empty
	Backup    bool
	Displaced bool
	// Foreign lists the names beside it, separated by spaces, that VMs have which are not proven to be worldsetup's. They
	// are left alone, and what needs such a name is refused.
	Foreign string
	// Unverified reports that the VM was made to replace the backup, and was not verified.
	Unverified bool
}

// Observe returns the VMs beside it.
func (p Place) Observe() State {
	var foreign []string
	proven := func(suffix string) bool {
		ours := len(p.Proof(suffix)) > 0 || suffix == Staged && empty(p.Dir(suffix))
		if !ours && there(p.Dir(suffix)) {
			foreign = append(foreign, p.VM+suffix)
		}
		return ours
	}
	dir := p.Dir("")
	s := State{
		VM: there(dir) && !empty(dir), Empty: empty(dir), Ours: len(p.Proof("")) > 0,
		Staged: proven(Staged) || gone(p.Dir(Staged)) && there(p.notePath()),
		Backup: proven(Backup), Displaced: proven(Displaced),
		Unverified: there(filepath.Join(dir, unverifiedMark)),
	}
	s.Foreign = strings.Join(foreign, " ")
	return s
}

// Unfinished reports that a run was killed while it replaced, restored or removed the VM.
func (s State) Unfinished() bool { return len(s.Recovery()) > 0 || s.Pending() }

// Pending reports that the VM is a replacement in the making: a run carries on with it, and the backup waits.
func (s State) Pending() bool { return s.VM && s.Unverified && s.Backup }

// Kept reports that a backup is kept beside a VM that was verified.
func (s State) Kept() bool { return s.VM && s.Backup && !s.Unverified && !s.Displaced }

// Action is one step of a recovery.
type Action struct{ ID, Reason string }

// The IDs of actions.
const (
	RollbackDisplace = "rollback-displace"
	RollbackPlace    = "rollback-place"
	RollbackRemove   = "rollback-remove"
	RollbackMark     = "rollback-mark"
	RollbackEmpty    = "rollback-empty"
)

// Recovery returns the actions that lead from the state that a killed run left to a VM under its own name. They are
// derived again after each one, since every intermediate state is a State as well.
func (s State) Recovery() (actions []Action) {
	if s.Empty {
		actions = append(actions, Action{RollbackEmpty, "an interrupted creation left it, with nothing in it"})
	}
	if s.Displaced && !(s.VM && (s.Backup || !s.Ours)) {
		if s.VM { // the backup, which was not verified yet
			actions = append(actions, Action{RollbackDisplace, "an interrupted run was restoring it"})
		}
		actions = append(actions, Action{RollbackPlace, "an interrupted run renamed it"})
	} else if !s.VM && s.Backup {
		actions = append(actions, Action{RollbackPlace, "an interrupted run renamed it"})
	}
	if s.Staged {
		actions = append(actions, Action{RollbackRemove, "an interrupted run left it, and nothing needs it"})
	}
	if s.VM && s.Unverified && !s.Backup && !s.Displaced {
		actions = append(actions, Action{RollbackMark, "there is no old VM for which it would have to make way"})
	}
	return actions
}

// maxRecovery is far more actions than there are states.
const maxRecovery = 10

// Recovered returns all the actions of a recovery, and the state after them.
func (s State) Recovered() (all []Action, after State) {
	for next := s.Recovery(); len(next) > 0 && len(all) < maxRecovery; next = s.Recovery() {
		all, s = append(all, next[0]), s.After(next[0].ID)
	}
	return all, s
}

// After returns the state after an action.
func (s State) After(id string) State {
	switch id {
	case RollbackEmpty:
		s.Empty = false
	case RollbackDisplace: // see Place.RollbackDisplace
		s.VM, s.Ours, s.Unverified = false, false, false
		s.Backup, s.Staged = s.Backup || s.Displaced, s.Staged || !s.Displaced
	case RollbackPlace:
		s.VM, s.Ours = true, true
		if s.Displaced {
			s.Displaced = false
		} else {
			s.Backup = false
		}
	case RollbackRemove:
		s.Staged = false
	case RollbackMark:
		s.Unverified = false
	}
	return s
}

// Reserved reports whether a name is that of a VM beside another one.
func Reserved(name string) bool {
	suffixes := []string{Staged, Backup, Displaced}
	return slices.ContainsFunc(suffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}
