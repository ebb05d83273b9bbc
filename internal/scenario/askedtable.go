package scenario

import (
	"github.com/atomize-hq/worldsetup/internal/sim"
	"github.com/atomize-hq/worldsetup/provision"
)

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
		Sees: sights("entry", "no way into the guest"), Want: steps(stop, start), Rung: provision.RungReplace, Kind: provision.KindUnhealthy, Boots: true,
		SimulationOnly: "a guest that hangs again after every start",
	},
	{
		Name: "sudo asks for a password, after a boot as well", Faults: simulated(func(vm *sim.VM) { vm.Change(func(c *sim.Conditions) { c.NoSudo = true }) }),
		Sees: sights("sudo", "asks for a password"), Want: steps(stop, start), Kind: provision.KindUnhealthy, Boots: true,
		SimulationOnly: "there would be no way back in",
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
		Sees: sights("session", "the connection is dead", "mount-project", "it is empty"),
		Want: steps(stop, start), Boots: true, SimulationOnly: "it takes a snapshot or a night's sleep",
	},
	{
		Name: "root file system damaged", Faults: simulated(func(vm *sim.VM) { vm.RemountReadOnly(true) }), Sees: sights("root-fs", "read-only"),
		Want: steps(writable), Kind: provision.KindProvisioning, SimulationOnly: "a damaged file system is not for a VM that others use",
	},
	{
		Name: "home open to all, and no other way leads in", Faults: append(in(`chmod 0777 "$2"`), on(ConnectionEnded)...),
		Sees: sights("entry", "Permission denied"), Want: steps(stop, start), Kind: provision.KindProvisioning, Boots: true,
		SimulationOnly: "there would be no way back in",
	},
	{
		// Lima calls the start a success, and the first session lacks the group: one more restart.
		Name: "boot script failed",
		Faults: append(in("groupdel substrate"),
			Fault{Simulated: func(vm *sim.VM) { vm.Change(func(c *sim.Conditions) { c.BootScriptFails = true }) }}, Fault{Host: VMStopped}),
		Want: steps(start, group, connection), May: steps(directories, activate), Boots: true,
		SimulationOnly: "our boot script does not fail on a real one",
	},
}
