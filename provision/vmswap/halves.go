package vmswap

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"
)

// `limactl rename` makes a new directory and moves file by file. Killed in between, it leaves two halves, of which
// neither is a VM. worldsetup never calls it, but users do, and worldsetup rejoins the halves.

// halves reports whether two directories are the halves of one VM: one of them has the configuration, and no file is in
// both, as there would be if they were two VMs of which one is damaged. A VZ identity is in both: the new one is
// empty.
func halves(one, other string) bool {
	entries, err := os.ReadDir(one)
	if err != nil || hasConfig(one) == hasConfig(other) {
		return false
	}
	for _, entry := range entries {
		_, err := os.Lstat(filepath.Join(other, entry.Name()))
		if err == nil && !entry.IsDir() && entry.Name() != filenames.VzIdentifier {
			return false
		}
	}
	_, err = os.ReadDir(other)
	return err == nil
}

// Rejoin moves everything from the backup to the VM of which it is a half, and removes the backup. Called again after a
// kill, it continues.
func (p Place) Rejoin() error { return p.rejoin(p.Dir(Backup), p.Dir("")) }

func (p Place) rejoin(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := p.rejoinEntry(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			return err
		}
	}
	return p.Folders.Unmark(from)
}

// reopen restores the permissions of a directory that has none, as limactl rename makes them.
func reopen(path string, info fs.FileInfo) error {
	if !info.IsDir() || info.Mode().Perm()&0o700 != 0 {
		return nil
	}
	return os.Chmod(path, 0o700)
}

func (p Place) rejoinEntry(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	there, err := os.Lstat(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.Join(reopen(from, info), p.Folders.Move(from, to))
	case err != nil:
		return err
	case info.IsDir() && there.IsDir():
		return errors.Join(reopen(from, info), reopen(to, there), p.rejoin(from, to))
	case info.Size() == 0:
		return p.Folders.Unmark(from)
	case there.Size() == 0:
		return errors.Join(p.Folders.Unmark(to), p.Folders.Move(from, to))
	}
	return errors.New(from + " and " + to + " are both there, and differ")
}
