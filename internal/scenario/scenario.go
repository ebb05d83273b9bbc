// Package scenario is one table of damaged worlds and of what worldsetup has to do about each.
//
// The same table is played on the simulation, in this package's test, and on a real VM, in the end-to-end suite: a
// scenario that passes on only one of them shows that the simulation lies.
//
// The rules are: a scenario begins with a world in its usual state, names its damage as what a real guest would be told
// to do, and says the exact steps that cure it. [Play] judges the end of every scenario in the same way.
package scenario

import (
	"github.com/atomize-hq/worldsetup/internal/sim"
	"github.com/atomize-hq/worldsetup/provision"
)

// World is a place to play scenarios in.
type World interface {
	// Break does damage.
	Break(Fault) error
	// Run has worldsetup make the world what it should be.
	Run(Options) Outcome
	// Status has worldsetup report on the world, and change nothing.
	Status(Options) Outcome
}

// Scenario is a damaged world and what becomes of it.
type Scenario struct {
	Name    string
	Faults  []Fault // in this order
	Options Options // what is asked for, other than the usual

	// Want are the steps that cure it, all of them, in order. [provision.StepSettle] is left out everywhere: whether a run
	// meets the end of a boot depends on the machine.
	Want []provision.StepID
	// May are steps that may come as well, anywhere: those that depend on the image, and on how far a boot has come.
	May []provision.StepID
	// Kind is the failure that it ends in; empty when it ends in a world that is ready.
	Kind provision.Kind

	// Boots: it starts a VM, which takes a minute or more under emulation.
	Boots bool
	// NeedsNetwork: the guest fetches packages.
	NeedsNetwork bool
	// SimulationOnly is why it cannot be played on a real VM; empty when it can.
	SimulationOnly string
}

// Options are what a run is asked for.
type Options struct {
	Agent     Agent
	CPUs      int // 0: as it is
	Netfilter provision.Switch
	Replace   bool // with consent; the run after it is not asked for that again
}

// Agent is one of the agents that a World has.
type Agent string

// The agents.
const (
	AgentBuiltin Agent = ""      // the probe agent
	AgentGood    Agent = "good"  // another one, which answers
	AgentBad     Agent = "bad"   // one that ends at once
	AgentNone    Agent = "unset" // none is named, and the project has none
)

// usual is the state that every scenario begins with.
var usual = Options{Netfilter: provision.Off}

// Fault is one piece of damage: exactly one of Guest, Host and Simulated is set.
type Fault struct {
	// Guest is a shell script that is run as root in the guest, with the SSH user's name as $1 and its home as $2.
	Guest string
	// Host is something that is done from the host.
	Host HostFault
	// Simulated is damage that only the simulation can do.
	Simulated func(vm *sim.VM)
	// Undo puts it right again, in the way of Guest, where worldsetup is not supposed to.
	Undo string
}

// HostFault is damage that is done from the host. Each World knows how.
type HostFault string

// The faults of the host's side.
const (
	VMStopped        HostFault = "limactl stop"
	VMKilled         HostFault = "limactl stop --force"
	VMDeleted        HostFault = "limactl delete --force"
	HostAgentKilled  HostFault = "kill -9 the process in ha.pid" // Lima calls the VM broken then
	ConnectionEnded  HostFault = "ssh -O exit"                   // on Lima's shared connection
	ConfigStripped   HostFault = "limactl edit --set '.portForwards = [] | .provision = []'"
	VMMadeByHand     HostFault = "limactl create and start, with a profile that knows nothing of worlds, in the place of the VM"
	HostSocketClosed HostFault = "ssh -O cancel -L" // of the forwarded socket
)
