// Package agent finds the programs that a project has for the guest: the world agent, or the Cargo package to build it
// from, and the companion binaries. It knows nothing of the engine that installs them.
//
// The rules are: a program is read once, so that what was checked is what gets copied; a file that could not run in the
// guest is rejected with a reason; and what was named explicitly is never replaced by something else.
package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/inside"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Source reports where an agent comes from.
type Source string

// The sources of an agent.
const (
	SourceFlag    Source = "flag"    // a file that was named
	SourceProject Source = "project" // a candidate in the project directory
	SourceBuild   Source = "build"   // the project's Cargo workspace, built in the VM
	SourceBuiltin Source = "builtin" // the probe agent that is part of worldsetup
)

// What Find takes in the place of a file name.
const (
	Builtin = string(SourceBuiltin)
	Build   = string(SourceBuild)
)

// Agent is an agent that was found on the host and could run in the guest, or the source of one, which has neither
// checksum nor size before it is built.
type Agent struct {
	Source Source `json:"source"`
	Path   string `json:"path,omitempty"` // absolute; of a source, its Cargo.toml; empty for the built-in one
	SHA256 string `json:"sha256"`         // in lower-case hexadecimal
	Size   int64  `json:"size"`           // bytes
	Probe  bool   `json:"probe"`          // it is the built-in probe agent, which runs no commands

	Content []byte  `json:"-"` // the whole file
	Package Package `json:"-"` // what is built, of SourceBuild
	// Layout is the name of the generation that it is of by its name; empty when that doesn't show it.
	Layout string `json:"-"`
}

// Rejected is a file in an agent's place that can't be used.
type Rejected struct {
	Path string `json:"path"` // absolute
	Why  string `json:"why"`
}

// maxSize is the size of the largest program that is read, in bytes. Agents have a few to tens of MiB, debug builds a
// few hundred.
const maxSize = 512 << 20

// triples are Rust's names for Linux on the processors that worlds exist for, in the order of preference.
var triples = map[limatype.Arch][]string{
	limatype.X8664:   {"x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"},
	limatype.AARCH64: {"aarch64-unknown-linux-gnu", "aarch64-unknown-linux-musl"},
}

// Find returns the agent for a guest whose processor is arch: [Builtin], [Build], the file called name, or, when name
// is empty, the first of the project directory's candidates that could run in the guest:
//
//	bin/linux/NAME
//	bin/NAME-linux
//	bin/NAME
//	target/<triple>/release/NAME
//	target/release/NAME
//	target/<triple>/debug/NAME
//	target/debug/NAME
//
// where NAME is the Package of one of the layouts, the newest first, and <triple> is x86_64-unknown-linux-gnu, then
// -musl, and the same for aarch64. Without one, the project's Cargo.toml is the source of an agent, if its workspace
// has a package of that name and a Cargo.lock. Candidates that exist and could not run are returned as rejected.
// Without any agent in the project, the agent and the error are nil. A file that was named and could not run is an
// error of KindUsage.
func Find(name, project string, arch limatype.Arch, layouts []layout.Layout) (*Agent, []Rejected, error) {
	switch name {
	case Builtin:
		found := newAgent(SourceBuiltin, "", embed.ProbeAgent())
		found.Probe = true
		return found, nil, nil
	case Build:
		found, rejected := findSource(project, layouts)
		if found == nil {
			return nil, nil, noSource(project, layouts, rejected)
		}
		return found, nil, nil
	case "":
		var rejected []Rejected
		for _, of := range slices.Backward(layouts) {
			path, content, bad := firstProgram(project, of.Package, arch)
			if rejected = append(rejected, bad...); content != nil {
				found := newAgent(SourceProject, path, content)
				found.Layout = of.Name
				return found, rejected, nil
			}
		}
		found, bad := findSource(project, layouts)
		return found, append(rejected, bad...), nil
	}
	path := absolute(name)
	var content []byte
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		content, err = readProgram(file, arch)
	}
	if err != nil {
		return nil, nil, &finding.Error{
			Kind: finding.KindUsage, What: fmt.Sprintf("the agent %s cannot be used", path),
			Why: finding.Cause(err).Error(),
			Err: err, Option: "agent",
			Next: fmt.Sprintf("name a Linux program for %s: --agent FILE; cargo makes one with `%s`",
				arch, CargoCommand(arch, layouts[0])),
		}
	}
	found := newAgent(SourceFlag, path, content)
	for _, of := range layouts {
		if strings.Contains(filepath.Base(path), of.Package) {
			found.Layout = of.Name
		}
	}
	return found, nil, nil
}

func newAgent(source Source, path string, content []byte) *Agent {
	return &Agent{Source: source, Path: path, SHA256: sum(content), Size: int64(len(content)), Content: content}
}

func sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// absolute returns path as it is when the working directory is gone.
func absolute(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

// firstProgram returns the first program called name in the project directory that could run on arch, and those before
// it that could not. Programs of the profiles come before others that cargo has built.
func firstProgram(
	project, name string, arch limatype.Arch, profiles ...string,
) (path string, content []byte, rejected []Rejected) {
	for _, place := range Places(name, arch, profiles...) {
		path := absolute(filepath.Join(project, filepath.FromSlash(place)))
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		file, err := inside.Open(project, place)
		if err == nil {
			content, err = readProgram(file, arch)
		}
		if err == nil {
			return path, content, rejected
		}
		rejected = append(rejected, Rejected{Path: path, Why: finding.Cause(err).Error()})
	}
	return "", nil, rejected
}

// Places returns where a project keeps its program called name, the best first, with slashes. An empty
// profile is none.
func Places(name string, arch limatype.Arch, profiles ...string) []string {
	paths := []string{"bin/linux/" + name, "bin/" + name + "-linux", "bin/" + name}
	profiles = append(slices.Clone(profiles), "release", "debug")
	for i, profile := range profiles {
		if profile == "" || slices.Contains(profiles[:i], profile) {
			continue
		}
		for _, triple := range triples[arch] {
			paths = append(paths, "target/"+triple+"/"+profile+"/"+name)
		}
		paths = append(paths, "target/"+profile+"/"+name)
	}
	return paths
}

// readProgram reads a whole file and closes it, if it is a program that could run on arch. What is no program by its
// first bytes is not read further.
func readProgram(file *os.File, arch limatype.Arch) ([]byte, error) {
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("it is a directory")
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("it is not a regular file (%v)", info.Mode())
	case info.Size() > maxSize:
		return nil, fmt.Errorf("it has more than %s, which no agent has", plaintext.Bytes(maxSize))
	}
	var content bytes.Buffer
	if _, err := content.ReadFrom(io.LimitReader(file, headerSize)); err != nil {
		return nil, err
	}
	if err := checkMagic(content.Bytes()); err != nil {
		return nil, err
	}
	content.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := content.ReadFrom(io.LimitReader(file, maxSize)); err != nil {
		return nil, err
	}
	if content.Len() > maxSize {
		return nil, fmt.Errorf("it grew beyond %s while it was read", plaintext.Bytes(maxSize))
	}
	if err := checkELF(content.Bytes(), arch); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}
