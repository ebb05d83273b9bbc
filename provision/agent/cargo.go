package agent

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/atomize-hq/worldsetup/internal/inside"
	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// findSource returns the project's workspace as the source of an agent of the newest layout that it has one of. A
// project without a Cargo.toml has neither a source nor a rejected one.
func findSource(project string, layouts []layout.Layout) (*Agent, []Rejected) {
	path := SourcePath(project)
	var why []string
	for _, of := range slices.Backward(layouts) {
		found, err := findPackage(filepath.Dir(path), of.Package, false)
		switch {
		case errors.Is(err, errNoManifest):
			return nil, nil
		case err == nil:
			return &Agent{Source: SourceBuild, Path: path, Package: found, Layout: of.Name}, nil
		}
		why = append(why, err.Error())
	}
	return nil, []Rejected{{Path: path, Why: strings.Join(slices.Compact(why), "; ")}}
}

// SourcePath returns the absolute path of a project's Cargo.toml.
func SourcePath(project string) string { return absolute(filepath.Join(project, "Cargo.toml")) }

func noSource(project string, layouts []layout.Layout, rejected []Rejected) error {
	why := "there is no Cargo.toml in it"
	if len(rejected) > 0 {
		why = rejected[0].Why
	}
	return &finding.Error{
		Kind: finding.KindUsage, What: fmt.Sprintf("no agent can be built from %s", project), Why: why,
		Next: "name a project with a Cargo.lock and a package " + packages(layouts) + " in its workspace, or name an " +
			"agent: --agent FILE",
	}
}

// Package is a package of a Cargo workspace that can be built with --locked. Its facts are read from the files, so that
// a machine without Rust has them too; what the files don't report is left to cargo itself.
type Package struct {
	Name        string // of the package, or of a program of a package of any name
	LockVersion int    // of the Cargo.lock
	// Cargo is the oldest version, as in "1.78", that reads the Cargo.lock, and Rust the oldest that compiles the
	// package, as its manifest has it; empty when any version does.
	Cargo, Rust string
}

// Needs reports what it takes to build the package.
func (p Package) Needs() string {
	var tools []string
	if p.Cargo != "" {
		tools = append(tools, fmt.Sprintf("cargo %s or later, by its Cargo.lock of version %d", p.Cargo, p.LockVersion))
	}
	if p.Rust != "" {
		tools = append(tools, fmt.Sprintf("rustc %s or later", p.Rust))
	}
	text := fmt.Sprintf("package %s, locked", p.Name)
	if len(tools) > 0 {
		text += "; it needs " + strings.Join(tools, " and ")
	}
	return text
}

// Together returns what it takes to build all of the packages.
func Together(packages ...Package) (cargo, rust string) {
	for _, p := range packages {
		cargo, rust = later(cargo, p.Cargo), later(rust, p.Rust)
	}
	return cargo, rust
}

// manifest is a Cargo.toml. What may be inherited from the workspace is a table then, hence any.
type manifest struct {
	Package *settings `toml:"package"`
	Bin     []struct {
		Name string `toml:"name"`
	} `toml:"bin"`
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

	programs []string // by names of their own
}

// has reports whether it is the package called name, or, if programs count, one that has a program of that name.
func (s *settings) has(name string, programs bool) bool {
	return s.Name == name || programs && slices.Contains(s.programs, name)
}

var errNoManifest = errors.New("there is no Cargo.toml")

// findPackage returns the package called name of the workspace whose root is project, or, if programs count, the one
// with a program of that name. The error reports why it can't be built there as it is locked; it is errNoManifest
// without a Cargo.toml.
func findPackage(project, name string, programs bool) (Package, error) {
	found := Package{Name: name}
	root, err := readTOML[manifest](project, "Cargo.toml", maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return found, errNoManifest
	}
	if err != nil {
		return found, err
	}
	locked, err := readTOML[lock](project, "Cargo.lock", maxLock)
	own, names := root.find(project, name, programs)
	locks := name // the package
	if own != nil {
		locks = own.Name
	}
	switch {
	case own == nil && !locked.local(name):
		others := cmp.Or(strings.Join(names, ", "), "none that could be read")
		return found, fmt.Errorf("it has no package %s, only %s", name, others)
	case errors.Is(err, fs.ErrNotExist):
		return found,
			errors.New("it has no Cargo.lock, which pins the versions to build from: run `cargo generate-lockfile`")
	case err != nil:
		return found, err
	case !locked.local(locks):
		return found, fmt.Errorf("its Cargo.lock lacks %s: run `cargo update --workspace`", locks)
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

// find returns the package called name, or with a program of that name, among the root and the members, and the names
// of all of them that could be read. Cargo itself complains about the others. The lock file has those that are members
// only because others depend on their path.
func (root manifest) find(project, name string, programs bool) (found *settings, names []string) {
	packages := []*settings{root.own()}
	within := newSearch(project)
	for _, member := range root.members(within) {
		if within.over() {
			break
		}
		if one, err := readTOML[manifest](project, path.Join(member, "Cargo.toml"), maxManifest); err == nil {
			packages = append(packages, one.own())
		}
	}
	for _, one := range packages {
		if one == nil {
			continue
		}
		if names = append(names, one.Name); one.has(name, programs) {
			found = one
		}
	}
	if slices.Sort(names); within.cut {
		names = append(names, "and others that were not searched, since there are too many")
	}
	return found, names
}

// own returns a manifest's package, with the programs that it names; nil for none.
func (m manifest) own() *settings {
	if m.Package != nil {
		for _, program := range m.Bin {
			m.Package.programs = append(m.Package.programs, program.Name)
		}
	}
	return m.Package
}

// members returns the directories that may be members of the workspace.
func (root manifest) members(within *search) (members []string) {
	if root.Workspace == nil {
		return nil
	}
	for _, pattern := range root.Workspace.Members {
		for _, member := range within.expand(pattern) {
			if !slices.Contains(root.Workspace.Exclude, member) {
				members = append(members, member)
			}
		}
	}
	return members
}

// The largest files that are read, in bytes: the largest lock files have some hundred KiB, and manifests some ten.
const (
	maxLock     = 16 << 20
	maxManifest = 1 << 20
)

// readTOML reads the file called name in the project. It returns an empty T with an error.
func readTOML[T any](project, name string, limit int64) (read T, err error) {
	file, err := inside.Open(project, name)
	if err != nil {
		return read, err
	}
	defer file.Close()
	base := path.Base(name)
	info, err := file.Stat()
	if err != nil {
		return read, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return read, fmt.Errorf("%s is not a regular file, or too large", base)
	}
	text, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return read, err
	}
	if tooDeep(text) {
		return read, fmt.Errorf("%s is nested too deeply", base)
	}
	if err := toml.Unmarshal(text, &read); err != nil {
		return *new(T), fmt.Errorf("%s is invalid: %w", base, err)
	}
	return read, nil
}

// maxDepth bounds the nesting of TOML. The parser calls itself for each level, and Go ends a program whose stack is
// full: a file of 1 MiB was enough.
const maxDepth = 500

// tooDeep reports whether the parser would have to go deeper than maxDepth. Of invalid TOML it may be wrong after the
// place where the parser stops.
func tooDeep(text []byte) bool {
	depth, parts := 0, 0 // of arrays and tables, and of a dotted key
	for len(text) > 0 {
		length := 1
		switch text[0] {
		case '#':
			length = max(1, bytes.IndexByte(text, '\n'))
		case '"', '\'':
			length = quoted(text)
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '.':
			parts++
		case '\n', ',':
			parts = 0
		}
		if depth+parts > maxDepth {
			return true
		}
		text = text[length:]
	}
	return false
}

// quoted returns the length of the string that begins text.
func quoted(text []byte) int {
	quote, long := text[0], bytes.Repeat(text[:1], 3)
	start := 1
	ends := func(at int) bool { return text[at] == quote || text[at] == '\n' }
	if bytes.HasPrefix(text, long) {
		start = 3
		ends = func(at int) bool { return bytes.HasPrefix(text[at:], long) && !bytes.HasPrefix(text[at+1:], long) }
	}
	for at := start; at < len(text); at++ {
		switch {
		case ends(at):
			return at + start
		case text[at] == '\\' && quote == '"':
			at++
		}
	}
	return len(text)
}

// lock is a Cargo.lock. The oldest form has no version.
type lock struct {
	Version int             `toml:"version"`
	Package []lockedPackage `toml:"package"`
}

type lockedPackage struct {
	Name   string `toml:"name"`
	Source string `toml:"source"`
}

// local reports whether name is a package of the workspace's own: those have no source.
func (l lock) local(name string) bool {
	return slices.ContainsFunc(l.Package, func(one lockedPackage) bool { return one.Name == name && one.Source == "" })
}

// readers are the first versions of cargo that read each version of a lock file, as its documentation of
// cargo::core::resolver::ResolveVersion reports. The second has no number in it either.
var readers = map[int]string{0: "", 1: "", 2: "1.38", 3: "1.53", 4: "1.78"}

func (l lock) oldestCargo() (string, error) {
	version, ok := readers[l.Version]
	if !ok {
		return "", fmt.Errorf("its Cargo.lock has version %d, and cargo is known to read versions up to 4", l.Version)
	}
	return version, nil
}

// editions are the first compilers that know each edition, as the Edition Guide reports.
var editions = map[string]string{"2018": "1.31", "2021": "1.56", "2024": "1.85"}

// oldestRust returns the later of what a package reports itself and what its edition needs.
func (s *settings) oldestRust(root manifest) string {
	var shared settings
	if root.Workspace != nil {
		shared = root.Workspace.Package
	}
	rust, edition := inherited(s.Rust, shared.Rust), inherited(s.Edition, shared.Edition)
	return later(editions[edition], short(rust))
}

// inherited returns a setting's text, or the workspace's when the setting is `workspace = true`.
func inherited(own, shared any) string {
	if table, ok := own.(map[string]any); ok && table["workspace"] == true {
		own = shared
	}
	text, _ := own.(string) // anything else is for cargo to complain about
	return text
}

// short returns a version without its third number, on which no requirement depends.
func short(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// later returns the later one of two versions, of which one may be empty.
func later(a, b string) string {
	if slices.CompareFunc(numbers(a), numbers(b), cmp.Compare[int]) >= 0 {
		return a
	}
	return b
}

// numbers returns those of a version; anything else counts as 0.
func numbers(version string) (numbers []int) {
	for part := range strings.SplitSeq(version, ".") {
		number, _ := strconv.Atoi(part)
		numbers = append(numbers, number)
	}
	return numbers
}
