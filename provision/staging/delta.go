package staging

import (
	"fmt"
	"slices"
	"strings"

	"github.com/docker/go-units"
)

// Delta is what a copy lacks to be one of a project.
type Delta struct {
	tree *Tree
	send []int // entries of tree

	Added, Changed int      // files and links of the project
	Bytes          int64    // that are sent, in files
	Gone           int      // files and links of the copy that the project does not have
	Newer          int      // of Changed: files that were changed in the copy since
	Disowned       int      // entries of another owner or group, which are right otherwise
	Misfit         int      // directories of another mode, and what is in the place of a directory
	Remove         []string // from the old copy
	Manifest       bool     // it is missing, or another one
	Head           bool     // only the commit in it is another one
	Leftover       bool
}

// Compare returns what seen lacks to be a copy of tree. A nil seen lacks everything.
func Compare(tree *Tree, seen *Copy) *Delta {
	d := &Delta{tree: tree, Manifest: true}
	if seen == nil {
		seen = &Copy{}
	}
	d.Leftover = seen.Leftover
	if have, want := ParseManifest(seen.Manifest), ParseManifest(tree.Manifest()); have.Project == want.Project {
		d.Manifest, d.Head = seen.Manifest != tree.Manifest(), have.GitHead != want.GitHead
	}
	had := make(map[string]*Entry, len(seen.Entries))
	for i := range seen.Entries {
		had[seen.Entries[i].Path] = &seen.Entries[i]
	}
	odd := []int{} // directories that the user can't work in
	for i := range tree.Entries {
		want := &tree.Entries[i]
		have := had[want.Path]
		delete(had, want.Path)
		if want.Type == Directory && want.Mode&0o700 != 0o700 {
			odd = append(odd, i)
		}
		switch {
		case have == nil || !agrees(want, have):
			d.take(i, want, have)
		case !have.owned:
			d.Disowned++
		}
	}
	for path, have := range had {
		if d.Remove = append(d.Remove, path); have.Type != Directory {
			d.Gone++
		}
	}
	if !d.Empty() {
		d.send = slices.Compact(slices.Sorted(slices.Values(append(d.send, odd...))))
	}
	d.Remove = tops(d.Remove)
	return d
}

// take sends an entry. have is what the copy has in its place; nil for nothing.
func (d *Delta) take(i int, want, have *Entry) {
	d.send = append(d.send, i)
	d.Bytes += want.Size
	switch {
	case want.Type == Directory:
		if have != nil {
			d.Misfit++
		}
	case have == nil:
		d.Added++
	default:
		if d.Changed++; have.ModTime > want.ModTime {
			d.Newer++
		}
	}
	if have != nil && !(want.Type == Directory && have.Type == Directory) {
		d.Remove = append(d.Remove, want.Path)
	}
}

// agrees reports whether a copy has an entry as the project has it. Not every file system keeps parts of a second.
func agrees(want, have *Entry) bool {
	times := want.ModTime == have.ModTime || have.ModTime%1e9 == 0 && want.ModTime/1e9 == have.ModTime/1e9
	return want.Type == have.Type && want.Mode == have.Mode && want.Size == have.Size && times && want.Link == have.Link
}

// tops are the paths that are not below another one of them, sorted.
func tops(paths []string) (tops []string) {
	slices.Sort(paths)
	known := make(map[string]bool, len(paths))
	for _, path := range paths {
		below := false
		for at := strings.IndexByte(path, '/'); at >= 0 && !below; {
			below = known[path[:at]]
			next := strings.IndexByte(path[at+1:], '/')
			if next < 0 {
				break
			}
			at += next + 1
		}
		if known[path] = true; !below {
			tops = append(tops, path)
		}
	}
	return tops
}

// Empty reports whether nothing is to be done.
func (d *Delta) Empty() bool {
	return len(d.send) == 0 && len(d.Remove) == 0 && d.Disowned == 0 && !d.Manifest && !d.Leftover
}

// Stale reports whether the copy was whole, and only the project has changed since.
func (d *Delta) Stale() bool {
	return !d.Empty() && d.Disowned == 0 && (!d.Manifest || d.Head) && !d.Leftover
}

// Reasons says what is wrong with a copy; nil when nothing is.
func (d *Delta) Reasons() (reasons []string) {
	var parts []string
	part := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	part(d.Added, "new")
	part(d.Changed, "changed")
	part(d.Gone, "gone")
	switch {
	case len(parts) > 0:
		reasons = append(reasons, fmt.Sprintf("the copy of the project is out of date: %s (%s)",
			strings.Join(parts, ", "), units.BytesSize(float64(d.Bytes))))
	case d.Misfit > 0 || len(d.send)+len(d.Remove) > 0:
		reasons = append(reasons, "the copy of the project has other directories than the project, or of other modes")
	}
	if d.Newer+d.Gone > 0 {
		reasons = append(reasons, fmt.Sprintf("what was changed or made in the copy is lost: "+
			"files that are newer there: %d, that are only there: %d", d.Newer, d.Gone))
	}
	if d.Disowned > 0 {
		reasons = append(reasons, fmt.Sprintf("the copy of the project has entries of another owner: %d", d.Disowned))
	}
	switch {
	case d.Head:
		reasons = append(reasons, "the copy of the project names another commit")
	case d.Manifest:
		reasons = append(reasons, "the manifest of the copy is missing, or not what it should be")
	}
	if d.Leftover {
		reasons = append(reasons, "a copy that was not finished is beside it")
	}
	return reasons
}
