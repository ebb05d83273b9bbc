// Package scenario is one table of damaged worlds, with what worldsetup has to do about each.
//
// The same table is played on the test bed, which shows nearly everything, and on a real VM, for what a container can't
// show. A scenario that passes on only one of them is a finding.
//
// The rules are:
//   - A scenario begins with a world in its usual state, does its damage by commands that work in a real guest, and
//     lists the exact steps that repair it. [Play] judges the end of every scenario in the same way.
//   - A new fault is one row. It holds the right outcome, even where worldsetup fails today: Known is the reason then.
package scenario

import (
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/provision"
)

// World is a place to play scenarios in.
type World interface {
	// Break does damage.
	Break(Fault) error
	// Keep makes a file tree and a process of the user's in the guest, unless they exist, and Kept reports whether they
	// still do.
	Keep() error
	Kept() (files, process bool)
	// Run runs worldsetup on the world.
	Run(Options) Outcome
	// Status runs `worldsetup status`, which changes nothing.
	Status(Options) Outcome
}

// Scenario is a damaged world and its repair.
type Scenario struct {
	Name    string
	Faults  []Fault // in this order
	Options Options // of the run, where they are not the usual ones

	// Sees are the items by which the report names the damage before the repair.
	Sees []Sight
	// Disruption is the deepest disruption of the plans; empty for the one that the steps stand for.
	Disruption provision.Disruption
	// Want are the steps that repair it, all of them, in order. [provision.StepWaitForBoot] is left out everywhere:
	// whether a run meets the end of a boot depends on the machine.
	Want []provision.StepID
	// May are steps that may come as well, anywhere: those that depend on the image, and on how far a boot has come.
	May []provision.StepID
	// Kind is the failure that it ends in; empty when it ends in a world that is ready.
	Kind provision.Kind

	// Waits: the repair can wait. The world is ready before it as well, with a warning.
	Waits bool
	// Boots: it starts a VM, which takes a minute or more under emulation.
	Boots bool
	// Slow: it takes minutes everywhere, so it is played only when all are.
	Slow bool
	// InTurn: when rigs take turns, it is always played on the same one, as those that boot a VM are. The basic ones
	// have two, which take turns by the day. Newer rows are, and those that wait for a deadline.
	InTurn bool
	// VMOnly is why a container can't show it; empty when the test bed can.
	VMOnly string
	// BedOnly is why it isn't played on a real VM; empty when it may be.
	BedOnly string

	// On and NotOn are parts of the names of the rigs on which it is played, as in KnownOn; none for all. Guests differ.
	On, NotOn []string

	// Says are words that the failure must contain, in any of its parts.
	Says []string
	// NotSays are words that it must not contain: a wrong cause, or a command that doesn't help.
	NotSays []string
	// Known is why worldsetup fails here today, beginning with the number of the issue that is about it; empty when it
	// doesn't. A scenario that is marked and passes fails the suite.
	Known string
	// KnownOn are parts of the names of the rigs on which Known holds, such as "ubuntu" or "lima-2.2.0"; none for all.
	KnownOn []string
}

// KnownToFail reports whether worldsetup is known to fail in this scenario on a rig.
func (s Scenario) KnownToFail(rig string) bool {
	return s.Known != "" && (len(s.KnownOn) == 0 || named(rig, s.KnownOn))
}

// OnRig reports whether the scenario is for a rig.
func (s Scenario) OnRig(rig string) bool {
	return (len(s.On) == 0 || named(rig, s.On)) && !named(rig, s.NotOn)
}

// named reports whether the name of a rig contains one of some words.
func named(rig string, words []string) bool {
	return slices.ContainsFunc(words, func(words string) bool { return strings.Contains(rig, words) })
}

// Sight is an item that a report must hold, and words that its line must contain.
type Sight struct{ Item, Words string }

// Options are the options of a run.
type Options struct {
	Agent     Agent
	Layout    string // the generation of the layout, also of the world that the scenario begins with
	Brings    Brings // what the project has, also of the world that the scenario begins with
	CPUs      int    // 0: as it is
	Netfilter provision.Switch
	MountHome provision.Switch
	Fresh     bool // of a status: it makes a new login as well
	Replace   bool // with consent; the run after it is not asked for that again
	Adopt     bool // likewise, to adopt a foreign VM
	// Allow is the deepest disruption that is allowed; empty for every one that a repair may need.
	Allow provision.Disruption
}

// Brings is what a project has for its world beside the usual.
type Brings string

// What there is.
const (
	BringsNothing    Brings = ""
	BringsCompanions Brings = "companions" // both, as programs
	BringsUnits      Brings = "units"      // the texts of both units, which are trusted
)

// The units that a project brings.
const (
	BroughtService = "[Unit]\nDescription=Brought\n\n[Service]\nType=simple\n" +
		"ExecStart=/usr/local/bin/substrate-world-service\nRestart=always\n" +
		"Environment=SUBSTRATE_HOME=${SUBSTRATE_GUEST_HOME}\nEnvironment=\"SUBSTRATE_NEW=${SUBSTRATE_NEW}\"\n" +
		"${WORLD_NETFILTER_ENV}\nGroup=substrate\nUMask=0027\nRuntimeDirectory=substrate\nRuntimeDirectoryMode=0750\n" +
		"WorkingDirectory=/var/lib/substrate\nNoNewPrivileges=yes\nProtectSystem=strict\nProtectHome=read-only\n" +
		"ReadWritePaths=${SUBSTRATE_GUEST_HOME} /var/lib/substrate /run/substrate " +
		"/run/substrate/substrate-gateway-runtime\n\n" +
		"[Install]\nWantedBy=multi-user.target\n"
	BroughtSocket = "[Unit]\nDescription=Brought\nPartOf=substrate-world-service.service\n\n[Socket]\n" +
		"ListenStream=/run/substrate.sock\nSocketMode=0660\nSocketUser=root\nSocketGroup=substrate\nDirectoryMode=0750\n" +
		"RemoveOnStop=yes\nService=substrate-world-service.service\n\n[Install]\nWantedBy=sockets.target\n"
)

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
var usual = Options{Netfilter: provision.Off, MountHome: provision.On}

// Fault is one piece of damage: exactly one of Guest and Host is set.
type Fault struct {
	// Guest is a shell script that is run as root in the guest, with the SSH user's name as $1 and its home as $2.
	Guest string
	// Host is something that is done from the host.
	Host HostFault
	// Undo reverts it, by a script as in Guest, where worldsetup is not supposed to; UndoHost does so from the host.
	Undo     string
	UndoHost HostFault
}

// HostFault is damage that is done from the host. Each World implements it.
type HostFault string

// The faults of the host's side.
const (
	VMStopped       HostFault = "limactl stop"
	VMStarted       HostFault = "limactl start"
	VMKilled        HostFault = "limactl stop --force"
	VMDeleted       HostFault = "limactl delete --force"
	HostAgentKilled HostFault = "kill -9 the process in ha.pid" // Lima calls the VM broken then
	// on Lima's shared connection, and the end of those before it
	ConnectionEnded HostFault = "ssh -O exit"
	ConfigStripped  HostFault = "limactl edit --set '.portForwards = [] | .provision = []'"
	VMMadeByHand    HostFault = "limactl create and start, with a profile that knows nothing of worlds, in the " +
		"place of the VM"
	VMWarmAgent      HostFault = "make a VM as lima-warm.sh of agent-v1 does, in the place of the VM"
	VMWarmService    HostFault = "make a VM as lima-warm.sh of service-v1 does, in the place of the VM"
	ConfigRewrites   HostFault = "add the provision script of lima-warm.sh to lima.yaml"
	HostSocketClosed HostFault = "ssh -O cancel -L" // of the forwarded socket
	// SessionWithoutGroup leaves Lima with a shared connection that was made while the user was not in the group.
	SessionWithoutGroup HostFault = "gpasswd -d, ssh -O stop, ssh, usermod -aG"
	VMProcessKilled     HostFault = "kill -9 the process in qemu.pid"
	VMProcessStopped    HostFault = "kill -STOP the process in qemu.pid" // a hang
	ConfigEdited        HostFault = "strip portForwards from lima.yaml while the VM runs"
	ConfigGarbled       HostFault = "write something into lima.yaml that is no YAML"
	ConfigRepaired      HostFault = "put lima.yaml back"
	DiskTaken           HostFault = "limactl stop, and move the disk image away"
	DiskPutBack         HostFault = "put the disk image back"

	GuestSlept HostFault = "freeze the VM, end Lima's ssh connections, and let it go on"
	SSHStopped HostFault = "kill -STOP Lima's ssh connections"
	// to a VM that may be another one by now
	SSHContinued           HostFault = "kill -KILL the ssh connections that were stopped"
	HostAgentStopped       HostFault = "kill -STOP the process in ha.pid"
	HostAgentContinued     HostFault = "kill -CONT the host agent that was stopped"
	MountStopped           HostFault = "kill -STOP the host's ends of the mounts"
	MountContinued         HostFault = "kill -CONT the host's ends of the mounts that were stopped"
	SSHSocketRemoved       HostFault = "rm ssh.sock"
	HostAgentSocketRemoved HostFault = "rm ha.sock"
	HostSocketReplaced     HostFault = "put a file in the place of the forwarded socket"
	ProjectSettled         HostFault = "wait until the project has not changed for a minute"
	HostSocketOpened       HostFault = "let all connect to the forwarded socket: it, and the folders above"
	KeyOpened              HostFault = "chmod 0644 _config/user"
	KeyClosed              HostFault = "chmod 0600 _config/user"
	ConfigExtended         HostFault = "add a key that Lima doesn't know, and a comment, to lima.yaml"
	ConfigStillExtended    HostFault = "want both to be there still"
)

// WithoutForwards returns the text of a lima.yaml without its forwarded sockets, which are a list at its top.
func WithoutForwards(text string) string {
	var kept []string
	inside := false
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "-") {
			inside = strings.HasPrefix(line, "portForwards:")
		}
		if !inside {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
