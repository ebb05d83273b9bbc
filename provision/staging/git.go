package staging

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
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
	for line := range strings.Lines(readFile(filepath.Join(common, "packed-refs"))) {
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

func readLine(path string) string {
	line, _, _ := strings.Cut(readFile(path), "\n")
	return strings.TrimRight(line, "\r ")
}

// readFile reads the beginning of a regular file; what can't be read is empty.
func readFile(path string) string {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxRef))
	if err != nil {
		return ""
	}
	return string(text)
}
