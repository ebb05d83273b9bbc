package scenario

import (
	"slices"

	"github.com/atomize-hq/worldsetup/internal/sim"
	"github.com/atomize-hq/worldsetup/provision"
)

const (
	stop, configure, create, start = provision.StepStop, provision.StepConfigure, provision.StepCreate, provision.StepStart
	packages, group, directories   = provision.StepPackages, provision.StepGroup, provision.StepDirectories
	agent, units, linger           = provision.StepAgent, provision.StepUnits, provision.StepLinger
	activate, marker               = provision.StepActivate, provision.StepMarker
)

// All are all scenarios.
func All() []Scenario {
	return slices.Concat(guestScenarios, vmScenarios, askedScenarios, replaceScenarios, simulatedScenarios)
}

func in(scripts ...string) (faults []Fault) {
	for _, script := range scripts {
		faults = append(faults, Fault{Guest: script})
	}
	return faults
}

func on(host ...HostFault) (faults []Fault) {
	for _, fault := range host {
		faults = append(faults, Fault{Host: fault})
	}
	return faults
}

func steps(ids ...provision.StepID) []provision.StepID { return ids }

const (
	agentPath   = "/usr/local/bin/substrate-world-agent"
	servicePath = "/etc/systemd/system/substrate-world-agent.service"
	socketPath  = "/etc/systemd/system/substrate-world-agent.socket"
	bothUnits   = "substrate-world-agent.service substrate-world-agent.socket"
)

// guestScenarios are damage inside the guest that is cured there, or needs no cure.
var guestScenarios = []Scenario{
	{Name: "nothing is wrong", Want: steps()},
	{Name: "agent removed", Faults: in("rm -f " + agentPath), Want: steps(agent, activate)},
	{Name: "agent truncated", Faults: in("truncate -s 0 " + agentPath), Want: steps(agent, activate)},
	{Name: "agent not executable", Faults: in("chmod 0644 " + agentPath), Want: steps(agent, activate)},
	{Name: "agent of another owner", Faults: in(`chown "$1" ` + agentPath), Want: steps(agent, activate)},
	{Name: "agent removed and service stopped", Faults: in("rm -f " + agentPath + "\nsystemctl stop substrate-world-agent.service"), Want: steps(agent, activate)},
	{Name: "service unit missing", Faults: in("rm -f " + servicePath), Want: steps(units, activate)},
	{Name: "socket unit missing", Faults: in("rm -f " + socketPath), Want: steps(units, activate)},
	{Name: "socket unit missing, and systemd knows", Faults: in("rm -f " + socketPath + "\nsystemctl daemon-reload"), Want: steps(units, activate)},
	{Name: "service unit edited", Faults: in("printf '# edited\\n' >>" + servicePath), Want: steps(units, activate)},
	{Name: "socket unit edited, and systemd knows", Faults: in("printf '# edited\\n' >>" + socketPath + "\nsystemctl daemon-reload"), Want: steps(units, activate)},
	{Name: "unit of another mode", Faults: in("chmod 0600 " + servicePath), Want: steps(units, activate)},
	{Name: "units disabled", Faults: in("systemctl disable " + bothUnits), Want: steps(units)},
	{Name: "socket unit stopped", Faults: in("systemctl stop substrate-world-agent.socket"), Want: steps(activate)},
	{Name: "both units stopped", Faults: in("systemctl stop " + bothUnits), Want: steps(activate)},
	// The next connection starts it: that is what its socket is for.
	{Name: "service stopped", Faults: in("systemctl stop substrate-world-agent.service"), Want: steps()},
	{Name: "socket open to all", Faults: in("chmod 0666 /run/substrate.sock"), Want: steps(activate)},
	{Name: "socket of another group", Faults: in("chgrp root /run/substrate.sock"), Want: steps(activate)},
	{Name: "socket of another owner", Faults: in(`chown "$1" /run/substrate.sock`), Want: steps(activate)},
	{Name: "socket removed under its unit", Faults: in("rm -f /run/substrate.sock"), Want: steps(activate)},
	{Name: "a file in the socket's place", Faults: in("rm -f /run/substrate.sock\nprintf 'x' >/run/substrate.sock"), Want: steps(activate)},
	{
		// systemd says that it listens, the file is right, and nobody does: measured on a real VM. Only connecting finds it.
		Name: "socket that systemd has lost",
		Faults: in("mv " + socketPath + " /root/unit\nsystemctl daemon-reload\nmv /root/unit " + socketPath +
			"\nsystemctl daemon-reload\nsystemctl stop substrate-world-agent.service"),
		Want: steps(activate),
	},
	{Name: "runtime directory missing", Faults: in("rm -rf /run/substrate"), Want: steps(activate)},
	{Name: "state directory missing", Faults: in("rm -rf /var/lib/substrate"), Want: steps(directories)},
	{Name: "state directory open to all", Faults: in("chmod 0777 /var/lib/substrate"), Want: steps(directories)},
	{Name: "state directory of another group", Faults: in("chgrp root /var/lib/substrate"), Want: steps(directories)},
	{Name: "user's directory missing", Faults: in(`rm -rf "$2/.substrate"`), Want: steps(directories)},
	{Name: "user's directory of root", Faults: in(`chown root "$2/.substrate"`), Want: steps(directories)},
	{Name: "marker missing", Faults: in("rm -f /etc/substrate-lima-layout"), Want: steps(marker)},
	{
		Name: "marker of another scheme",
		Faults: []Fault{{
			Guest: `printf 'tcp-loopback-v0\n' >/etc/substrate-lima-layout`,
			Undo:  `printf 'socket-parity-v1\n' >/etc/substrate-lima-layout`,
		}},
		Want: steps(), Kind: provision.KindReplacement,
	},
	{Name: "linger off", Faults: in(`loginctl disable-linger "$1"`), Want: steps(linger)},
	{Name: "membership removed on paper", Faults: in(`gpasswd -d "$1" substrate`), Want: steps(group)},
	{Name: "a command missing", Faults: in("dpkg --remove --force-all jq"), Want: steps(packages), NeedsNetwork: true},
	{
		Name: "several at once",
		Faults: in(
			"rm -f "+agentPath+" /etc/substrate-lima-layout", "systemctl disable substrate-world-agent.socket",
			`loginctl disable-linger "$1"`, `rm -rf "$2/.substrate"`, "chmod 0666 /run/substrate.sock",
		),
		Want: steps(directories, agent, units, linger, activate, marker),
	},
}

// vmScenarios are damage that needs the VM to be started.
var vmScenarios = []Scenario{
	{Name: "VM stopped", Faults: on(VMStopped), Want: steps(start), Boots: true},
	{Name: "VM without power", Faults: on(VMKilled), Want: steps(start), Boots: true},
	{Name: "VM broken", Faults: on(HostAgentKilled), Want: steps(stop, start), Boots: true},
	{
		Name: "VM stopped and damaged", Faults: append(in("rm -f "+agentPath+" /etc/substrate-lima-layout"), Fault{Host: VMStopped}),
		Want: steps(start, agent, activate, marker), Boots: true,
	},
	{Name: "group deleted", Faults: in("groupdel substrate"), Want: steps(group, stop, start), Boots: true},
	{Name: "mount lost", Faults: in("umount -l /src"), Want: steps(stop, start), Boots: true},
	{Name: "shared connection ended", Faults: on(ConnectionEnded), Want: steps(stop, start), Boots: true},
	{Name: "host socket closed", Faults: on(HostSocketClosed), Want: steps(stop, start), Boots: true},
	{
		Name: "mount lost and damaged", Faults: in("umount -l /src", "rm -f "+agentPath, "chmod 0666 /run/substrate.sock"),
		Want: steps(stop, start, agent, activate), Boots: true,
	},
	{Name: "configuration stripped", Faults: on(VMStopped, ConfigStripped), Want: steps(configure, start), Boots: true},
	{
		Name: "no VM", Faults: on(VMDeleted), Want: steps(create, start, directories, agent, units, activate, marker),
		May: steps(packages, group, linger), Boots: true,
	},
	{
		Name: "VM made by hand", Faults: on(VMMadeByHand),
		Want: steps(group, stop, configure, start, directories, agent, units, activate, marker),
		May:  steps(packages, linger), Boots: true,
	},
}

// askedScenarios are worlds that are asked for something else.
var askedScenarios = []Scenario{
	{Name: "another number of processors", Options: Options{CPUs: 3}, Want: steps(stop, configure, start), Boots: true},
	{Name: "netfilter asked for", Options: Options{Netfilter: provision.On}, Want: steps(units, activate)},
	{Name: "another agent", Options: Options{Agent: AgentGood}, Want: steps(agent, activate)},
	{Name: "an agent that does not answer", Options: Options{Agent: AgentBad}, Want: steps(agent, activate), Kind: provision.KindProvisioning},
	{Name: "no agent named", Options: Options{Agent: AgentNone}, Want: steps()},
	{
		Name: "no agent named and none there", Faults: in("rm -f " + agentPath), Options: Options{Agent: AgentNone},
		Want: steps(), Kind: provision.KindPrerequisite,
	},
}

// simulatedScenarios are those that a real VM cannot be brought into, or not reliably.
var simulatedScenarios = []Scenario{
	{
		Name: "nobody gets in", Faults: simulated(func(vm *sim.VM) { vm.Change(func(c *sim.Conditions) { c.Dead = true }) }),
		Want: steps(), Kind: provision.KindUnhealthy, SimulationOnly: "a guest that hangs would have to be killed afterwards",
	},
	{
		Name: "sudo asks for a password", Faults: simulated(func(vm *sim.VM) { vm.Change(func(c *sim.Conditions) { c.NoSudo = true }) }),
		Want: steps(), Kind: provision.KindUnhealthy, SimulationOnly: "there would be no way back in",
	},
	{
		Name: "offline and a command missing",
		Faults: append(in("dpkg --remove --force-all jq"),
			Fault{Simulated: func(vm *sim.VM) { vm.Change(func(c *sim.Conditions) { c.Offline = true }) }}),
		Want: steps(packages), Kind: provision.KindProvisioning, SimulationOnly: "the package could not be put back",
	},
	{
		Name:   "linger cannot be enabled",
		Faults: append(in(`loginctl disable-linger "$1"`), Fault{Simulated: func(vm *sim.VM) { vm.Change(func(c *sim.Conditions) { c.NoLinger = true }) }}),
		Want:   steps(linger), Kind: provision.KindProvisioning, SimulationOnly: "logind allows root everything",
	},
	{
		Name: "shared connection stale", Faults: simulated((*sim.VM).StaleSharedConnection),
		Want: steps(stop, start), Boots: true, SimulationOnly: "it takes a snapshot or a night's sleep",
	},
	{
		// Lima calls the start a success, and the first session lacks the group: one more restart.
		Name: "boot script failed",
		Faults: append(in("groupdel substrate"),
			Fault{Simulated: func(vm *sim.VM) { vm.Change(func(c *sim.Conditions) { c.BootScriptFails = true }) }}, Fault{Host: VMStopped}),
		Want: steps(start, group, stop, start), May: steps(directories, activate), Boots: true,
		SimulationOnly: "our boot script does not fail on a real one",
	},
}

func simulated(damage func(vm *sim.VM)) []Fault { return []Fault{{Simulated: damage}} }
