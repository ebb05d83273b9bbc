package agent

import (
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/internal/inside"
)

// The bounds of a search for the members of a workspace: large ones have some hundred, which takes a few milliseconds.
const (
	maxEntries = 20_000 // of the directories that patterns name
	searchTime = 2 * time.Second
)

// search expands patterns in a project directory, until it has seen too much.
type search struct {
	project string
	left    int // entries
	until   time.Time
	cut     bool // there may be more
}

func newSearch(project string) *search {
	return &search{project: project, left: maxEntries, until: time.Now().Add(searchTime)}
}

// over reports whether the search has to end.
func (s *search) over() bool {
	s.cut = s.cut || s.left <= 0 || time.Now().After(s.until)
	return s.cut
}

// expand returns the names that a pattern may stand for. Those without wildcards need not exist. A pattern that leads
// out of the project stands for none.
func (s *search) expand(pattern string) []string {
	found := []string{"."}
	if pattern = path.Clean(pattern); !filepath.IsLocal(pattern) {
		return nil
	}
	for part := range strings.SplitSeq(pattern, "/") {
		var next []string
		for _, dir := range found {
			if s.over() {
				return nil
			}
			if !strings.ContainsAny(part, `*?[\`) {
				next = append(next, path.Join(dir, part))
				continue
			}
			for _, name := range s.names(dir) {
				if ok, _ := path.Match(part, name); ok { // a bad pattern matches nothing
					next = append(next, path.Join(dir, name))
				}
			}
		}
		found = next
	}
	return found
}

// names returns those in a directory of the project.
func (s *search) names(dir string) []string {
	file, err := inside.Open(s.project, dir)
	if err != nil {
		return nil
	}
	defer file.Close()
	names, _ := file.Readdirnames(s.left)
	s.left -= len(names) + 1
	return names
}
