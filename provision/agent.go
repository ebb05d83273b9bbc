package provision

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
	"runtime"
	"strings"
	"syscall"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/cargo"
)

// AgentSource says where an agent comes from.
type AgentSource string

// The sources of an agent.
const (
	SourceFlag    AgentSource = "flag"    // the file that Spec.Agent names
	SourceProject AgentSource = "project" // a candidate in the project directory
	SourceBuild   AgentSource = "build"   // the project's Cargo workspace, built in the VM
	SourceBuiltin AgentSource = "builtin" // the probe agent that ships inside worldsetup
)

// Agent is an agent that was found on the host and could run in the guest, or the source of one, which has neither checksum
// nor size before it was built.
type Agent struct {
	Source AgentSource `json:"source"`
	Path   string      `json:"path,omitempty"` // absolute; of a source, its Cargo.toml; empty for the built-in one
	SHA256 string      `json:"sha256"`         // in lower-case hexadecimal
	Size   int64       `json:"size"`           // bytes
	Probe  bool        `json:"probe"`          // it is the built-in probe agent, which runs no commands

	// content was read once: what was checked is what gets copied, whatever becomes of the file.
	content []byte
	// source is what is built, of SourceBuild.
	source cargo.Package
}

// Rejected is a file that stands where an agent is looked for, and is none.
type Rejected struct {
	Path string `json:"path"` // absolute
	Why  string `json:"why"`
}

// maxAgent is the largest agent that is read, in bytes. Agents have a few to tens of MiB, debug builds a few hundred.
const maxAgent = 512 << 20

// triples are Rust's names for Linux on the processors that worlds exist for, in the order in which they are looked for.
var triples = map[limatype.Arch][]string{
	limatype.X8664:   {"x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"},
	limatype.AARCH64: {"aarch64-unknown-linux-gnu", "aarch64-unknown-linux-musl"},
}

// FindAgent returns the agent for a guest whose processor is arch: [AgentBuiltin], [AgentBuild], the file called agent, or,
// when agent is empty, the first of the project directory's candidates that could run in the guest:
//
//	bin/linux/world-agent
//	bin/world-agent-linux
//	bin/world-agent
//	target/<triple>/release/world-agent
//	target/release/world-agent
//	target/<triple>/debug/world-agent
//	target/debug/world-agent
//
// where <triple> is x86_64-unknown-linux-gnu, then -musl, and the same for aarch64. Without one, the project's Cargo.toml is
// the source of an agent, if its workspace has a package called world-agent and a Cargo.lock. Candidates that are there and could not
// run are returned as rejected. Without any agent in the project, the agent and the error are nil. A file that was asked
// for by name and could not run is an error of KindUsage.
func FindAgent(agent, project string, arch limatype.Arch) (*Agent, []Rejected, error) {
	switch agent {
	case AgentBuiltin:
		content := embed.ProbeAgent()
		found := newAgent(SourceBuiltin, "", content)
		found.Probe = true
		return found, nil, nil
	case AgentBuild:
		return namedSource(project)
	case "":
		found, rejected := projectAgent(project, arch)
		return found, rejected, nil
	}
	path, err := filepath.Abs(agent)
	if err != nil {
		path = agent
	}
	content, err := readAgent(path, arch)
	if err != nil {
		return nil, nil, &Error{
			Kind: KindUsage,
			What: fmt.Sprintf("the agent %s cannot be used", path),
			Why:  err.Error(),
			Next: fmt.Sprintf("name a Linux program for %s: --agent FILE; cargo makes one with `%s`", arch, cargoCommand(arch)),
			Err:  err,
		}
	}
	return newAgent(SourceFlag, path, content), nil, nil
}

// projectAgent is the first of the project directory's candidates that could run on arch, and those before it that could not.
func projectAgent(project string, arch limatype.Arch) (found *Agent, rejected []Rejected) {
	path, content, rejected := firstProgram(project, agentPackage, arch)
	if content != nil {
		return newAgent(SourceProject, path, content), rejected
	}
	found, reject := sourceAgent(project)
	return found, append(rejected, reject...)
}

// firstProgram is the first program called name in the project directory that could run on arch, and those before it that
// could not.
func firstProgram(project, name string, arch limatype.Arch) (path string, content []byte, rejected []Rejected) {
	for _, candidate := range candidates(name, arch) {
		path := filepath.Join(project, filepath.FromSlash(candidate))
		if absolute, err := filepath.Abs(path); err == nil {
			path = absolute
		}
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		content, err := readAgent(path, arch)
		if err == nil {
			return path, content, rejected
		}
		rejected = append(rejected, Rejected{Path: path, Why: err.Error()})
	}
	return "", nil, rejected
}

// candidates are where a project keeps its programs, its agent among them, the best first, with slashes.
func candidates(name string, arch limatype.Arch) []string {
	paths := []string{"bin/linux/" + name, "bin/" + name + "-linux", "bin/" + name}
	for _, profile := range []string{"release", "debug"} {
		for _, triple := range triples[arch] {
			paths = append(paths, "target/"+triple+"/"+profile+"/"+name)
		}
		paths = append(paths, "target/"+profile+"/"+name)
	}
	return paths
}

// readAgent reads the whole file at path, if it is a program that could run on arch. The error does not repeat the path.
func readAgent(path string, arch limatype.Arch) ([]byte, error) {
	info, err := os.Stat(path) // before opening it: a FIFO would block
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case info.IsDir():
		return nil, errors.New("it is a directory")
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("it is no regular file (%v)", info.Mode())
	case info.Size() > maxAgent:
		return nil, fmt.Errorf("it has %d bytes, and more than %d are no agent", info.Size(), maxAgent)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	var content bytes.Buffer
	content.Grow(int(info.Size()) + bytes.MinRead)
	if _, err := content.ReadFrom(io.LimitReader(file, maxAgent+1)); err != nil {
		return nil, withoutPath(err)
	}
	if content.Len() > maxAgent {
		return nil, fmt.Errorf("it grows, and more than %d bytes are no agent", maxAgent)
	}
	if err := checkELF(content.Bytes(), arch); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}

func newAgent(source AgentSource, path string, content []byte) *Agent {
	sum := sha256.Sum256(content)
	return &Agent{
		Source: source, Path: path, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content)), content: content,
	}
}

// noAgent is the error of a world that needs an agent when none was found in project.
func noAgent(project string, rejected []Rejected) *Error {
	return noAgentFor(limatype.NewArch(runtime.GOARCH), project, rejected) // worlds have their host's processor
}

func noAgentFor(arch limatype.Arch, project string, rejected []Rejected) *Error {
	why := []string{fmt.Sprintf("none was named, and %s holds none of %s, and no Cargo workspace to build one from", project, strings.Join(candidates(agentPackage, arch), ", "))}
	if len(rejected) > 0 {
		why[0] += " that could run in the VM"
	}
	for _, file := range rejected {
		why = append(why, file.Path+" was not taken: "+file.Why)
	}
	next := []string{
		"name the agent: --agent FILE, or WORLDSETUP_AGENT=FILE in the environment;",
		"or put it into the project directory, as bin/linux/world-agent;",
		"or build it there: " + cargoCommand(arch) + ";",
		"or have it built in the VM: the project needs a Cargo.lock, and a package world-agent in the workspace of its Cargo.toml;",
		"or take the built-in probe, which proves the world and runs no commands: --agent builtin",
	}
	return &Error{
		Kind: KindPrerequisite,
		What: "there is no agent to put into the VM",
		Why:  strings.Join(why, "\n"),
		Next: strings.Join(next, "\n"),
	}
}

// cargoCommand is the command that builds an agent for arch that needs nothing of the guest, not even its C library.
func cargoCommand(arch limatype.Arch) string {
	command := "cargo build --release --locked -p world-agent"
	if names := triples[arch]; len(names) > 0 {
		command += " --target " + names[len(names)-1]
	}
	return command
}

// withoutPath is the part of a file's error that does not repeat the path.
func withoutPath(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return err
}
