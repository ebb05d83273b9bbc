package vmswap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// A name proves nothing: anyone can give it to a VM. A VM that is renamed, removed or used as a backup must be proven
// to be worldsetup's, by signs in its directory or by the note that is written before a removal begins.

// worldMark is a file in the directory of a VM that worldsetup created or adopted.
const worldMark = "worldsetup-world"

// mark is the content of that file.
type mark struct {
	// Protect is set when worldsetup protects the VM, and Pending as well until it has.
	Protect bool `json:"protect"`
	Pending bool `json:"pending,omitempty"`
}

// protectWithin is how long after the mark a protection counts as worldsetup's own: limactl takes 0.1 s for one.
const protectWithin = time.Minute

// Proof returns what shows that the VM with suffix is worldsetup's, for a person to read; nothing for other VMs.
func (p Place) Proof(suffix string) (signs []string) {
	dir := p.Dir(suffix)
	switch {
	case there(filepath.Join(dir, worldMark)):
		signs = append(signs, "it has the mark of worldsetup")
	case there(filepath.Join(dir, unverifiedMark)):
		signs = append(signs, "worldsetup made it to replace another")
	}
	text, _ := os.ReadFile(filepath.Join(dir, filenames.LimaYAML)) // without one it shows nothing
	signs = append(signs, lima.Signs(text)...)
	if suffix == Staged && p.noted() {
		signs = append(signs, "worldsetup has begun to remove it")
	}
	return signs
}

// Unfinished reports whether worldsetup began to create the VM, and was interrupted before limactl had ended and the VM
// was marked.
func (p Place) Unfinished() bool {
	dir := p.Dir("")
	text, _ := os.ReadFile(filepath.Join(dir, filenames.LimaYAML)) // without one it is no VM
	return lima.HasStamp(text) && !there(filepath.Join(dir, worldMark)) && !there(filepath.Join(dir, unverifiedMark))
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// stranger returns the error of a VM that is not proven to be worldsetup's.
func (p Place) stranger(suffix string) error {
	return fmt.Errorf("nothing shows that %s was made by worldsetup: it is left alone", p.Dir(suffix))
}

// Claim marks the VM with suffix as worldsetup's; protect also keeps `limactl delete` from removing it.
func (p Place) Claim(ctx context.Context, suffix string, protect bool, line func(string)) error {
	if err := p.writeMark(suffix, mark{Protect: protect, Pending: protect}); err != nil || !protect {
		return err
	}
	if err := p.Lima.Protect(ctx, p.VM+suffix, line); err != nil {
		return err
	}
	return p.writeMark(suffix, mark{Protect: true})
}

func (p Place) writeMark(suffix string, content mark) error {
	text, _ := json.Marshal(content) // such a struct always has a JSON form
	return p.Folders.Mark(filepath.Join(p.Dir(suffix), worldMark), append(text, '\n'))
}

// readMark reads the mark of the VM with suffix; the zero mark without one.
func (p Place) readMark(suffix string) (content mark) {
	text, err := os.ReadFile(filepath.Join(p.Dir(suffix), worldMark))
	if err != nil || json.Unmarshal(text, &content) != nil {
		return mark{}
	}
	return content
}

// Unprotected reports whether worldsetup made the VM, and was killed before it had protected it. A VM of which a user
// lifted the protection is none.
func (p Place) Unprotected() bool {
	pending := p.readMark("").Pending || p.Unfinished()
	return pending && !there(filepath.Join(p.Dir(""), filenames.Protected))
}

// Protected reports whether the VM with suffix is protected, and whether it was worldsetup that called
// `limactl protect`.
func (p Place) Protected(suffix string) (protected, byUs bool) {
	protection, err := os.Lstat(filepath.Join(p.Dir(suffix), filenames.Protected))
	if err != nil {
		return false, false
	}
	marked, err := os.Lstat(filepath.Join(p.Dir(suffix), worldMark))
	if err != nil || !p.readMark(suffix).Protect { // others called it
		return true, false
	}
	return true, protection.ModTime().Before(marked.ModTime().Add(protectWithin))
}

// note is the content of a file in Lima's home that shows which directory was being removed: a removal may be killed
// when the signs are gone and the disk is not. Lima ignores that file.
type note struct{ Device, Inode uint64 }

func (p Place) notePath() string { return filepath.Join(p.Home, "_"+p.VM+Staged) }

// noted reports whether the note is about the staged VM's directory.
func (p Place) noted() bool {
	text, err := os.ReadFile(p.notePath())
	var was note
	now, nowErr := identity(p.Dir(Staged))
	return err == nil && nowErr == nil && json.Unmarshal(text, &was) == nil && was == now
}

// writeNote writes the note before the removal of the staged VM begins.
func (p Place) writeNote() error {
	now, err := identity(p.Dir(Staged))
	if err != nil {
		return err
	}
	text, _ := json.Marshal(now)
	return p.Folders.Mark(p.notePath(), append(text, '\n'))
}

// identity returns what identifies a directory, whatever its name.
func identity(dir string) (note, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return note{}, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return note{}, errors.New("the file system has no inodes")
	}
	return note{Device: uint64(stat.Dev), Inode: stat.Ino}, nil
}

// empty reports whether path is a directory with nothing in it.
func empty(path string) bool {
	entries, err := os.ReadDir(path)
	return err == nil && len(entries) == 0
}

// gone reports whether nothing is at path.
func gone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}
