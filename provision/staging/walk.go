package staging

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Excluded are the names that are not copied, at any level.
var Excluded = []string{".git", "target", ".codex", ".DS_Store"}

// The types of entries that are copied, as find(1) calls them.
const (
	File      = 'f'
	Directory = 'd'
	Link      = 'l'
)

// Entry is a file, directory or symbolic link of a project, or of its copy.
type Entry struct {
	Path    string // from the top, with slashes
	Type    byte   // File, Directory, Link, or another one of find's, which is not copied
	Mode    uint32 // the nine bits of access; of links 0
	Size    int64  // of files, in bytes
	ModTime int64  // in nanoseconds since 1970; of directories 0, since theirs change with what is in them
	Link    string // what a link holds

	owned bool // of a copy: by the user and the group that it should be
	same  same // of a project: which file it is
}

// same tells files apart, as os.SameFile does.
type same struct{ dev, ino uint64 }

// Tree is a project as it was listed.
type Tree struct {
	Project string
	Entries []Entry  // a directory comes before what is in it
	Skipped []string // sockets, pipes and devices
	// GitHead is the commit of a git checkout; empty for what is none.
	GitHead string
}

// Walk lists a project. Its error names what can't be listed.
func Walk(ctx context.Context, project string) (*Tree, error) {
	top, err := unix.Open(project, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: project, Err: err}
	}
	tree := &Tree{Project: project, GitHead: gitHead(project)}
	return tree, tree.list(ctx, top, "")
}

// list lists the directory that fd has opened, and closes it. Its path begins with no slash, and is empty for the top.
func (t *Tree) list(ctx context.Context, fd int, path string) error {
	dir := os.NewFile(uintptr(fd), filepath.Join(t.Project, path))
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if slices.Contains(Excluded, name) || path == "" && name == layout.ManifestName {
			continue
		}
		if err := t.add(ctx, fd, strings.TrimPrefix(path+"/"+name, "/"), name); err != nil {
			return err
		}
	}
	return nil
}

// add lists what has a name in an open directory. What is gone by now is left out.
func (t *Tree) add(ctx context.Context, dir int, path, name string) error {
	failed := func(op string, err error) error {
		if errors.Is(err, unix.ENOENT) {
			return nil
		}
		return &os.PathError{Op: op, Path: filepath.Join(t.Project, path), Err: err}
	}
	var stat unix.Stat_t
	if err := unix.Fstatat(dir, name, &stat, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return failed("stat", err)
	}
	e := Entry{Path: path, Mode: uint32(stat.Mode) & 0o777, same: same{uint64(stat.Dev), stat.Ino}}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		e.Type, e.Size, e.ModTime = File, stat.Size, stat.Mtim.Nano()
	case unix.S_IFLNK:
		link, err := readLink(dir, name)
		if err != nil {
			return failed("readlink", err)
		}
		e.Type, e.Mode, e.Link = Link, 0, link
	case unix.S_IFDIR:
		fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return failed("open", err)
		}
		e.Type = Directory
		t.Entries = append(t.Entries, e)
		return t.list(ctx, fd, path)
	default:
		t.Skipped = append(t.Skipped, path)
		return nil
	}
	t.Entries = append(t.Entries, e)
	return nil
}

func readLink(dir int, name string) (string, error) {
	for size := 256; ; size *= 2 {
		text := make([]byte, size)
		n, err := unix.Readlinkat(dir, name, text)
		if err != nil || n < size {
			return string(text[:max(n, 0)]), err
		}
	}
}

// Manifest is the text of the manifest of a copy of the project.
func (t *Tree) Manifest() string {
	text := fmt.Sprintf("project_path=%s\nproject_basename=%s\n", t.Project, filepath.Base(t.Project))
	if t.GitHead != "" {
		text += "git_head=" + t.GitHead + "\n"
	}
	return text
}

// Manifest is what a manifest says.
type Manifest struct{ Project, GitHead string }

// ParseManifest reads the text of a manifest. What it does not say is empty.
func ParseManifest(text string) (m Manifest) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch {
		case name == "project_path" && m.Project == "":
			m.Project = value
		case name == "git_head" && m.GitHead == "":
			m.GitHead = value
		}
	}
	return m
}
