package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Trust is the file of a user that holds which content of which projects' files was trusted: digests by path.
type Trust struct{ Path string }

// maxTrust is the largest such file that is read, in bytes: some ten thousand projects.
const maxTrust = 4 << 20

// Digest returns the one of the content of path that was trusted last; empty for none.
func (t Trust) Digest(path string) (string, error) {
	all, err := t.read()
	return all[path], err
}

// Paths returns the paths of all files that have a digest, in order.
func (t Trust) Paths() ([]string, error) {
	all, err := t.read()
	return slices.Sorted(maps.Keys(all)), err
}

// Add keeps that the content of path with this digest is trusted, and no other one.
func (t Trust) Add(path, digest string) error {
	all, err := t.read()
	if err != nil {
		return err
	}
	all[path] = digest
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(t.Path), 0o700); err != nil {
		return err
	}
	return Write(t.Path, append(text, '\n'), 0o600)
}

// read returns all digests. It believes no file that another user could have put there.
func (t Trust) read() (all map[string]string, err error) {
	all = map[string]string{}
	file, err := os.OpenFile(t.Path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return all, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return all, err
	case !info.Mode().IsRegular():
		return all, fmt.Errorf("%s is not a regular file", t.Path)
	case !ownFile(info), info.Mode().Perm()&0o022 != 0:
		return all, fmt.Errorf("others than you can write to %s", t.Path)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxTrust))
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil || all == nil {
		return map[string]string{}, errors.Join(err, fmt.Errorf("%s can't be read: remove it", t.Path))
	}
	return all, nil
}
