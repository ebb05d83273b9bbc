package staging

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/readfile"
)

// maxRef is how much of a file of git's is read, in bytes; packed-refs can have hundreds of KiB.
const maxRef = 8 << 20

var commit = lazyregexp.New(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// gitHead is the commit of a git checkout, also of one that a directory above is the top of; empty when there is none,
// or when it keeps its references in another form than files.
func gitHead(project string) string {
	for dir := project; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return headOf(dir)
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func headOf(checkout string) string {
	git := filepath.Join(checkout, ".git")
	if place, ok := strings.CutPrefix(readLine(git), "gitdir: "); ok { // a linked worktree, or a submodule
		git = within(checkout, place)
	}
	head := readLine(filepath.Join(git, "HEAD"))
	name, ok := strings.CutPrefix(head, "ref: ")
	if !ok {
		return commit.FindString(head)
	}
	if !filepath.IsLocal(name) {
		return ""
	}
	common := git
	if place := readLine(filepath.Join(git, "commondir")); place != "" {
		common = within(git, place)
	}
	for _, dir := range []string{git, common} {
		if found := commit.FindString(readLine(filepath.Join(dir, name))); found != "" {
			return found
		}
	}
	packed, _ := readfile.Limited(filepath.Join(common, "packed-refs"), maxRef) // what can't be read holds none
	for line := range strings.Lines(string(packed)) {
		if found, ok := strings.CutSuffix(strings.TrimSpace(line), " "+name); ok {
			return commit.FindString(found)
		}
	}
	return ""
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// readLine reads the first line of a regular file; what can't be read is empty.
func readLine(path string) string {
	text, _ := readfile.Limited(path, maxRef)
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimRight(line, "\r ")
}
