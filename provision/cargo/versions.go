package cargo

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// lock is a Cargo.lock. The oldest form says nothing of its version.
type lock struct {
	Version int `toml:"version"`
	Package []struct {
		Name   string `toml:"name"`
		Source string `toml:"source"`
	} `toml:"package"`
}

func readLock(path string) (*lock, error) {
	read := &lock{}
	return read, readTOML(path, read)
}

// local says whether name is a package of the workspace's own: those have no source.
func (l *lock) local(name string) bool {
	for _, one := range l.Package {
		if one.Name == name && one.Source == "" {
			return true
		}
	}
	return false
}

// readers are the first cargos that read each version of a lock file: cargo's own documentation of
// cargo::core::resolver::ResolveVersion says in which release each came. The second has no number in it either.
var readers = map[int]string{0: "", 1: "", 2: "1.38", 3: "1.53", 4: "1.78"}

func (l *lock) oldestCargo() (string, error) {
	version, known := readers[l.Version]
	if !known {
		return "", fmt.Errorf("its Cargo.lock has version %d, and the cargos that are known read versions up to 4", l.Version)
	}
	return version, nil
}

// editions are the first compilers that know each edition, as the Edition Guide says.
var editions = map[string]string{"2018": "1.31", "2021": "1.56", "2024": "1.85"}

// oldestRust is the later of what a package says itself and what its edition takes.
func (s *settings) oldestRust(root *manifest) string {
	var shared settings
	if root.Workspace != nil {
		shared = root.Workspace.Package
	}
	said, edition := inherited(s.Rust, shared.Rust), inherited(s.Edition, shared.Edition)
	return Later(editions[edition], short(said))
}

// inherited is a setting's text, or the workspace's when the setting says `workspace = true`.
func inherited(own, shared any) string {
	if table, is := own.(map[string]any); is && table["workspace"] == true {
		own = shared
	}
	text, _ := own.(string) // anything else is for cargo to complain about
	return text
}

// short is a version without its third number, which no requirement hangs on.
func short(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// Later is the later one of two versions, of which one may be empty.
func Later(a, b string) string {
	if slices.CompareFunc(numbers(a), numbers(b), cmp.Compare[int]) >= 0 {
		return a
	}
	return b
}

// numbers are those of a version; what is none counts as 0.
func numbers(version string) (numbers []int) {
	for part := range strings.SplitSeq(version, ".") {
		number, _ := strconv.Atoi(part)
		numbers = append(numbers, number)
	}
	return numbers
}
