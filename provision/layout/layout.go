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
}

// AgentV1 is the generation that a world has unless another one is asked for or found.
var AgentV1 = Layout{
	Name:    "agent-v1",
	Marker:  "socket-parity-v1",
	Unit:    "substrate-world-agent",
	Title:   "Substrate world agent",
	Package: "world-agent",
	Backend: "world-agent",
}

// ServiceV1 names the agent a service.
var ServiceV1 = Layout{
	Name:    "service-v1",
	Marker:  "socket-parity-v1",
	Unit:    "substrate-world-service",
	Title:   "Substrate World Service",
	Package: "world-service",
	Backend: "world-service",
}

// All are the generations, from the oldest to the newest.
var All = []Layout{AgentV1, ServiceV1}

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

// Others returns all generations but l.
func (l Layout) Others() []Layout {
	return slices.DeleteFunc(slices.Clone(All), func(other Layout) bool { return other == l })
}

// NewerThan reports whether l came after other.
func (l Layout) NewerThan(other Layout) bool { return slices.Index(All, l) > slices.Index(All, other) }

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

// MarkerSum returns the SHA-256 of the marker's file, in lower-case hexadecimal.
func (l Layout) MarkerSum() string { return fmt.Sprintf("%x", sha256.Sum256([]byte(l.Marker+"\n"))) }

// Agent returns the agent's program in the guest.
func (l Layout) Agent() string { return "/usr/local/bin/" + l.Unit }
