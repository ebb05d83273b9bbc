package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write puts text in the place of the file at path, all of it or nothing. A file that is there keeps its permissions, except
// that others cannot write it, and one that a link leads to is written where it is.
func Write(path string, text []byte, mode fs.FileMode) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm() &^ 0o022
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+Name+"-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
