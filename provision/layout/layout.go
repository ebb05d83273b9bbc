// Package layout holds the generations of the contract between the Substrate system and a world, as data. The engine
// has no word of a generation of its own: one that only renames things is one more entry of [All].
package layout

import (
	"crypto/sha256"
	"fmt"
	"slices"
)

// Layout is one generation.
type Layout struct {
	// Name is what a user calls it.
	Name string
	// Marker is the line that marks a finished world.
	Marker string
	// Unit is the name of both systemd units, without their types, and of the agent's program in the guest.
	Unit string
	// Title describes the service to systemd.
	Title string
	// Package is the agent's package of Cargo in a project, and the name of its program there.
	Package string
	// Backend is what the agent calls itself when it is asked for its capabilities.
	Backend string
	// Staging is the directory in the guest that holds the copy of the project, which Current names. It is empty where
	// the project and the home directory are mounted; nothing is where there is a copy.
	Staging string
	// Runtime are the directories below [RuntimePath] that must be there when the agent starts, and that it writes to.
	Runtime []string
	// Templates reports that a project may bring the text of the units.
	Templates bool
	// Companions are the programs that belong beside the agent.
	Companions []Companion
}

// Companion is a program that belongs beside the agent, in the guest and among a project's programs by the same name.
type Companion struct {
	Name string
	// Package is its package of Cargo; empty for a program that any package of the workspace may have.
	Package string
	// Without is what fails in a world without it; empty when it is optional.
	Without string
	// Wrapper is the name of a second program beside it, a script with the text WrapperText; empty for none.
	Wrapper, WrapperText string
}

// The companions of all generations so far.
var companions = []Companion{
	{Name: "substrate-gateway", Package: "substrate-gateway", Without: "`substrate world gateway ...` fails"},
	{Name: "substrate", Wrapper: "world", WrapperText: "#!/bin/sh\nexec /usr/local/bin/substrate world \"$@\"\n"},
}

// Program returns the file of a companion, or of a wrapper, in the guest.
func Program(name string) string { return programDir + name }

// programDir is where the programs lie in a guest.
const programDir = "/usr/local/bin/"

// AgentV1 is the generation that a world has unless another one is asked for or found.
var AgentV1 = Layout{
	Name:    "agent-v1",
	Marker:  "socket-parity-v1",
	Unit:    "substrate-world-agent",
	Title:   "Substrate world agent",
	Package: "world-agent",
	Backend: "world-agent",

	Companions: companions,
}

// ServiceV1 names the agent a service.
var ServiceV1 = Layout{
	Name:    "service-v1",
	Marker:  "socket-parity-v1",
	Unit:    "substrate-world-service",
	Title:   "Substrate World Service",
	Package: "world-service",
	Backend: "world-service",

	Companions: companions,
}

// StagedV2 mounts nothing: the project is copied into the guest.
var StagedV2 = Layout{
	Name:      "staged-v2",
	Marker:    "socket-parity-v2-staged-workspace-v1",
	Unit:      "substrate-world-service",
	Title:     "Substrate World Service",
	Package:   "world-service",
	Backend:   "world-service",
	Staging:   "/var/lib/substrate/staged-workspace",
	Runtime:   []string{"substrate-gateway-runtime"},
	Templates: true,

	Companions: companions,
}

// All are the generations, from the oldest to the newest.
var All = []Layout{AgentV1, ServiceV1, StagedV2}

// Where a guest has what is the same in all generations.
const (
	AgentSocket  = "/run/substrate.sock"
	RuntimePath  = "/run/substrate"
	ProjectMount = "/src"
)

// ManifestName is the name of the manifest in a copy of a project.
const ManifestName = ".substrate-lima-stage-manifest"

// UnitTemplates is the directory in a project that holds the units' templates. A project that has it is of a generation
// with Templates.
const UnitTemplates = "scripts/mac/lima/units"

// Agents returns the oldest generation of each name that an agent has in a project, from the oldest to the newest.
func Agents() (agents []Layout) {
	for _, l := range All {
		if !slices.ContainsFunc(agents, func(other Layout) bool { return other.Package == l.Package }) {
			agents = append(agents, l)
		}
	}
	return agents
}

// Named returns the generation called name.
func Named(name string) (of Layout, found bool) {
	i := slices.IndexFunc(All, func(l Layout) bool { return l.Name == name })
	if i < 0 {
		return of, false
	}
	return All[i], true
}

// Names returns the names of all generations.
func Names() (names []string) {
	for _, l := range All {
		names = append(names, l.Name)
	}
	return names
}

// Staged returns the generations that have a copy of the project in the guest, from the oldest to the newest.
func Staged() []Layout { return slices.DeleteFunc(slices.Clone(All), Layout.Mounts) }

// Others returns all generations but l.
func (l Layout) Others() []Layout {
	return slices.DeleteFunc(slices.Clone(All), l.Is)
}

// Is reports whether l and other are the same generation.
func (l Layout) Is(other Layout) bool { return l.Name == other.Name }

// NewerThan reports whether l came after other.
func (l Layout) NewerThan(other Layout) bool {
	return slices.IndexFunc(All, l.Is) > slices.IndexFunc(All, other.Is)
}

// Mounts reports whether the project and the home directory are mounted in the guest.
func (l Layout) Mounts() bool { return l.Staging == "" }

// Project returns where the project is in the guest.
func (l Layout) Project() string {
	if l.Mounts() {
		return ProjectMount
	}
	return l.Current()
}

// Current returns the directory that is the copy of the project; it has a meaning only where there is Staging.
func (l Layout) Current() string { return l.Staging + "/current" }

// RuntimePaths returns the directories of Runtime.
func (l Layout) RuntimePaths() (paths []string) {
	for _, name := range l.Runtime {
		paths = append(paths, RuntimePath+"/"+name)
	}
	return paths
}

// Closed returns what is in directories that only root and the socket's group can enter.
func (l Layout) Closed() (paths []string) {
	if !l.Mounts() {
		paths = []string{l.Staging, l.Current(), l.Manifest()}
	}
	return append(paths, l.RuntimePaths()...)
}

// Manifest returns the file in the copy of the project that says what it is a copy of.
func (l Layout) Manifest() string { return l.Current() + "/" + ManifestName }

// Units returns the names of the units of some generations, as in Unit, each once.
func Units(of []Layout) (units []string) {
	for _, l := range of {
		if !slices.Contains(units, l.Unit) {
			units = append(units, l.Unit)
		}
	}
	return units
}

// OtherUnits returns the names of the units that other generations have, each once.
func (l Layout) OtherUnits() []string {
	return slices.DeleteFunc(Units(All), func(unit string) bool { return unit == l.Unit })
}

// Service returns the name of the service unit.
func (l Layout) Service() string { return l.Unit + ".service" }

// Socket returns the name of the socket unit.
func (l Layout) Socket() string { return l.Unit + ".socket" }

// unitDir is where an administrator's units lie in a guest.
const unitDir = "/etc/systemd/system/"

// ServicePath returns the file of the service unit in the guest.
func (l Layout) ServicePath() string { return unitDir + l.Service() }

// SocketPath returns the file of the socket unit in the guest. The socket itself has the same path in all generations.
func (l Layout) SocketPath() string { return unitDir + l.Socket() }

// runtimeUnit is a unit of worldsetup's own, which is started before the service.
const runtimeUnit = "worldsetup-runtime.service"

// RuntimeUnitPath returns the file of the unit that makes the directories of Runtime in the guest.
func (l Layout) RuntimeUnitPath() string { return unitDir + runtimeUnit }

// RuntimeLink returns the link by which the service wants that unit.
func (l Layout) RuntimeLink() string { return unitDir + l.Service() + ".wants/" + runtimeUnit }

// MarkerSum returns the SHA-256 of the marker's file, in lower-case hexadecimal.
func (l Layout) MarkerSum() string { return fmt.Sprintf("%x", sha256.Sum256([]byte(l.Marker+"\n"))) }

// Agent returns the agent's program in the guest.
func (l Layout) Agent() string { return Program(l.Unit) }

// CompanionFiles returns the files of all companions, and of their wrappers, in the guest.
func (l Layout) CompanionFiles() (paths []string) {
	for _, one := range l.Companions {
		paths = append(paths, Program(one.Name))
		if one.Wrapper != "" {
			paths = append(paths, Program(one.Wrapper))
		}
	}
	return paths
}
