package vmswap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Place is a VM's name in Lima's home, with the names beside it.
type Place struct {
	Home    string // of Lima
	VM      string // its name
	Lima    lima.Client
	Folders Folders
}

// Dir returns the directory of the VM with suffix; an empty one means the VM itself.
func (p Place) Dir(suffix string) string { return filepath.Join(p.Home, p.VM+suffix) }

// HasConfig reports whether Lima would take the directory of the VM with suffix for a VM.
func (p Place) HasConfig(suffix string) bool {
	_, err := os.Lstat(filepath.Join(p.Dir(suffix), filenames.LimaYAML))
	return err == nil
}

// Stop stops the VM with suffix unless it is stopped already; it shuts the VM down if possible.
func (p Place) Stop(ctx context.Context, suffix string, line func(string)) error {
	if !p.HasConfig(suffix) {
		return nil // Lima does not know it
	}
	name := p.VM + suffix
	instance, err := p.Lima.FindOnly(ctx, name)
	switch {
	case err != nil:
		return err
	case instance == nil || instance.Status == limatype.StatusStopped || instance.Config == nil:
		return nil
	case instance.Status == limatype.StatusRunning && p.Lima.Stop(ctx, name, false, line) == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return p.Lima.Stop(ctx, name, true, line)
}

// Rename changes the VM's suffix from one to another. The VM must be proven to be worldsetup's, and no process of it
// may be alive, whatever Lima reports.
func (p Place) Rename(from, to string) error {
	if there(p.Dir(from)) && len(p.Proof(from)) == 0 {
		return p.stranger(from)
	}
	if err := alive(p.Dir(from)); err != nil {
		return err
	}
	return p.Folders.Move(p.Dir(from), p.Dir(to))
}

// alive returns an error that names a process of the VM in dir, if one lives.
func alive(dir string) error {
	for _, file := range lima.PIDFiles(dir) {
		if !file.Stale {
			return fmt.Errorf("%s still runs: process %d, by %s", filepath.Base(dir), file.PID, file.Path)
		}
	}
	return nil
}

// Create makes the staged VM, and marks it as unverified with the record. protect also keeps it from being deleted.
func (p Place) Create(ctx context.Context, profile []byte, before Record, protect bool, line func(string)) error {
	if err := p.Lima.Create(ctx, p.VM+Staged, profile, line); err != nil {
		return err
	}
	text, _ := json.Marshal(before) // such a struct always has a JSON form
	if err := p.Folders.Mark(filepath.Join(p.Dir(Staged), unverifiedMark), append(text, '\n')); err != nil {
		return err
	}
	return p.Claim(ctx, Staged, protect, line)
}

// MarkVerified removes the mark: the VM is the world now.
func (p Place) MarkVerified() error {
	return p.Folders.Unmark(filepath.Join(p.Dir(""), unverifiedMark))
}

// Discard renames the VM with suffix to the staged one, from which moment on it is not needed, and removes it.
func (p Place) Discard(ctx context.Context, suffix string, line func(string)) error {
	if protected, byUs := p.Protected(suffix); protected && !byUs {
		return fmt.Errorf("the VM %s is protected: limactl unprotect lifts that", p.VM+suffix)
	}
	if there(p.Dir(suffix)) && len(p.Proof(suffix)) == 0 {
		return p.stranger(suffix)
	}
	if err := p.Stop(ctx, suffix, line); err != nil {
		return err
	}
	if err := p.Rename(suffix, Staged); err != nil {
		return err
	}
	return p.RemoveStaged(ctx, line)
}

// RemoveStaged removes the staged VM. Lima deletes it if Lima knows it.
func (p Place) RemoveStaged(ctx context.Context, line func(string)) error {
	dir := p.Dir(Staged)
	switch {
	case gone(dir):
		return p.Folders.Unmark(p.notePath())
	case empty(dir):
		return p.Folders.Unmark(dir)
	case len(p.Proof(Staged)) == 0:
		return p.stranger(Staged)
	}
	if err := p.writeNote(); err != nil {
		return err
	}
	if p.HasConfig(Staged) {
		if err := p.deleteStaged(ctx, line); err != nil {
			return err
		}
	}
	if !gone(dir) {
		if err := p.Folders.Clear(dir); err != nil {
			return err
		}
	}
	return p.Folders.Unmark(p.notePath())
}

// deleteStaged has Lima delete the staged VM. It lifts worldsetup's own protection for that, and restores it if Lima
// fails.
func (p Place) deleteStaged(ctx context.Context, line func(string)) error {
	_, byUs := p.Protected(Staged)
	if byUs {
		if err := p.Lima.Unprotect(ctx, p.VM+Staged, line); err != nil {
			return err
		}
	}
	err := p.Lima.Delete(ctx, p.VM+Staged, line)
	if err != nil && byUs && p.HasConfig(Staged) {
		return errors.Join(err, p.Claim(context.WithoutCancel(ctx), Staged, true, line))
	}
	return err
}

// RemoveEmpty removes the VM's directory, if nothing is in it.
func (p Place) RemoveEmpty() error { return p.Folders.Unmark(p.Dir("")) }

// RollbackDisplace takes the unverified VM out of the way: a new one becomes staged, and one that was being restored a
// backup again.
func (p Place) RollbackDisplace(ctx context.Context, line func(string)) error {
	if p.Observe().Displaced {
		if err := p.Stop(ctx, "", line); err != nil {
			return err
		}
		return p.Rename("", Backup)
	}
	if err := p.RemoveStaged(ctx, line); err != nil { // the name must be free
		return err
	}
	if p.HasConfig("") {
		if err := p.Lima.Stop(ctx, p.VM, true, line); err != nil {
			return err
		}
	}
	return p.Rename("", Staged)
}

// RollbackPlace gives the old VM its name back. A user may have started it under the backup's name.
func (p Place) RollbackPlace(ctx context.Context, line func(string)) error {
	from := Backup
	if p.Observe().Displaced {
		from = Displaced
	}
	if err := p.Stop(ctx, from, line); err != nil {
		return err
	}
	return p.Rename(from, "")
}

// Record is the content of the mark of an unverified VM: the state of the old one before the replacement. A run that
// finds it uses it for one purpose only: restoring the old VM.
type Record struct {
	Ran      bool     `json:"ran"`
	Answered []string `json:"answered,omitempty"` // who could, or rightly could not, reach its agent
}

// Had reports whether access was as expected for who.
func (r Record) Had(who string) bool { return slices.Contains(r.Answered, who) }

// ReadRecord reads the mark of the unverified VM, which has one of two names.
func (p Place) ReadRecord() (record Record, ok bool) {
	for _, suffix := range []string{Staged, ""} {
		text, err := os.ReadFile(filepath.Join(p.Dir(suffix), unverifiedMark))
		if err == nil && json.Unmarshal(text, &record) == nil {
			return record, true
		}
	}
	return Record{}, false
}
