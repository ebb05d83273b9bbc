package cargo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Package is a package of a workspace that can be built with --locked.
type Package struct {
	Name        string
	LockVersion int // of the Cargo.lock
	// Cargo and Rust are the oldest versions, as in "1.78", that can read the Cargo.lock, and that compile the package by its
	// own word; empty when any will do.
	Cargo, Rust string
}

// manifest is a Cargo.toml. What may be inherited from the workspace is a table then, hence any.
type manifest struct {
	Package   *settings `toml:"package"`
	Workspace *struct {
		Members []string `toml:"members"`
		Exclude []string `toml:"exclude"`
		Package settings `toml:"package"`
	} `toml:"workspace"`
}

type settings struct {
	Name    string `toml:"name"`
	Rust    any    `toml:"rust-version"`
	Edition any    `toml:"edition"`
}

// ErrNone says that a directory is no Cargo workspace, and no package either.
var ErrNone = errors.New("there is no Cargo.toml")

// Find looks for the package called name in the workspace whose root is directory. The error says why it could not be
// built there as it is locked; it is ErrNone without a Cargo.toml.
func Find(directory, name string) (Package, error) {
	found := Package{Name: name}
	root, err := readManifest(filepath.Join(directory, "Cargo.toml"))
	if errors.Is(err, fs.ErrNotExist) {
		return found, ErrNone
	}
	if err != nil {
		return found, err
	}
	locked, err := readLock(filepath.Join(directory, "Cargo.lock"))
	own, names := root.find(directory, name)
	switch {
	case own == nil && !locked.local(name):
		return found, fmt.Errorf("it has no package %s, only %s", name, listed(names))
	case errors.Is(err, fs.ErrNotExist):
		return found, errors.New("it has no Cargo.lock, and nothing is built from versions that nobody has chosen: run `cargo generate-lockfile`")
	case err != nil:
		return found, err
	case !locked.local(name):
		return found, fmt.Errorf("its Cargo.lock does not know %s: run `cargo update --workspace`", name)
	}
	found.LockVersion = locked.Version
	if found.Cargo, err = locked.oldestCargo(); err != nil {
		return found, err
	}
	if own != nil {
		found.Rust = own.oldestRust(root)
	}
	return found, nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none that could be read"
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// find is the package called name among the root and the members, and the names of all of them. Members that cannot be
// read are for cargo to complain about.
func (root *manifest) find(directory, name string) (found *settings, names []string) {
	packages := []*settings{root.Package}
	for _, member := range root.members(directory) {
		if one, err := readManifest(filepath.Join(member, "Cargo.toml")); err == nil {
			packages = append(packages, one.Package)
		}
	}
	for _, one := range packages {
		if one == nil {
			continue
		}
		if names = append(names, one.Name); one.Name == name {
			found = one
		}
	}
	return found, names
}

// members are the directories of the workspace's members. Packages that are members only because others depend on
// their path are known to the lock file.
func (root *manifest) members(directory string) (members []string) {
	if root.Workspace == nil {
		return nil
	}
	for _, pattern := range root.Workspace.Members {
		matches, _ := filepath.Glob(filepath.Join(directory, filepath.FromSlash(pattern))) // a bad pattern matches nothing
		for _, match := range matches {
			below, err := filepath.Rel(directory, match)
			if err == nil && !slices.Contains(root.Workspace.Exclude, filepath.ToSlash(below)) {
				members = append(members, match)
			}
		}
	}
	return members
}

// maxFile bounds what is read, in bytes: the largest lock files have some hundred KiB.
const maxFile = 16 << 20

func readManifest(path string) (*manifest, error) {
	read := &manifest{}
	return read, readTOML(path, read)
}

func readTOML(path string, into any) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return fmt.Errorf("%s is no file that cargo would read", filepath.Base(path))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := toml.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s cannot be read: %w", filepath.Base(path), err)
	}
	return nil
}
