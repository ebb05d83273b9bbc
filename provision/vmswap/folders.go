package vmswap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Folders moves and marks the directories of instances in Lima's home. An instance is its directory, and its name is
// that directory's name: nothing else in Lima knows either (limactl rename moves file by file, see docs/decisions).
//
// Each call is atomic, even in a power cut.
type Folders interface {
	// Move renames the directory from to a name that is free.
	Move(from, to string) error
	// Mark makes a file of content at path, in the place of one that is there.
	Mark(path string, content []byte) error
	// Unmark removes the file, or the empty directory, at path; one that is gone already is fine.
	Unmark(path string) error
	// Clear removes the directory at path and all that is in it. Only this call may be seen half done.
	Clear(path string) error
}

// HostFolders are those of this machine, as an edge.
func HostFolders() Folders { return hostFolders{} }

type hostFolders struct{}

func (hostFolders) Move(from, to string) error {
	// rename(2) would put a directory in the place of an empty one.
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is in the way", to)
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(to))
}

func (hostFolders) Mark(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp") // Lima sweeps those away
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return syncDirectory(filepath.Dir(path))
}

func (hostFolders) Unmark(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

func (hostFolders) Clear(path string) error { return os.RemoveAll(path) }

// syncDirectory makes the changes in a directory survive a power cut.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
