// Package worktree finds the primary checkout of a linked worktree of git.
package worktree

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/readfile"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Primary returns the primary checkout of the linked worktree that dir is in, and the worktree's own directory;
// both are empty where dir is in none. It trusts the .git file of a worktree only as far as the primary checkout's own
// directory about that worktree names it too: a project that comes from elsewhere may hold such a file, and name any
// directory in it.
func Primary(dir string) (primary, linked string) {
	for linked = dir; ; linked = filepath.Dir(linked) {
		file := filepath.Join(linked, ".git")
		info, err := os.Lstat(file)
		if err != nil && filepath.Dir(linked) != linked {
			continue
		}
		if err != nil || !info.Mode().IsRegular() {
			return "", ""
		}
		own, found := strings.CutPrefix(firstLineOf(file), "gitdir: ")
		if !found {
			return "", ""
		}
		own = from(linked, own)
		common, back := firstLineOf(filepath.Join(own, "commondir")), firstLineOf(filepath.Join(own, "gitdir"))
		if common == "" || back == "" {
			return "", "" // a submodule, or a directory of git's that is kept elsewhere
		}
		common, back = from(own, common), from(own, back)
		backInfo, err := os.Lstat(back)
		if err != nil || !os.SameFile(info, backInfo) || filepath.Base(common) != ".git" {
			return "", ""
		}
		worktrees := filepath.Join(common, "worktrees")
		if _, err := os.Stat(worktrees); err != nil || !lima.SameDirectory(filepath.Dir(own), worktrees) {
			return "", ""
		}
		return filepath.Dir(common), linked
	}
}

// from returns a path that may be relative to dir.
func from(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// firstLineOf returns the first line of a small file; empty when it can't be read.
func firstLineOf(path string) string {
	text, _ := readfile.Limited(path, 4096)
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}
