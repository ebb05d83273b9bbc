package scenario

import "github.com/atomize-hq/worldsetup/provision"

// askedScenarios are worlds that are asked for something else.
var askedScenarios = []Scenario{
	{Name: "another number of processors", Options: Options{CPUs: 3}, Want: steps(stop, configure, start), Boots: true},
	{
		Name: "another number of processors, and a restart is not allowed", InTurn: true,
		Options: Options{CPUs: 3, Allow: provision.DisruptionUnit}, Want: steps(),
		Disruption: provision.DisruptionRestart, Kind: provision.KindDisruption,
		Says: []string{"restarts the VM", "--allow=restart"},
	},
	{
		Name: "socket open to all, and only what restarts the agent is allowed", InTurn: true,
		Faults:  in("chmod 0666 /run/substrate.sock"),
		Options: Options{Allow: provision.DisruptionUnit}, Want: steps(activate),
	},
	{Name: "netfilter asked for", Options: Options{Netfilter: provision.On}, Want: steps(units, activate)},
	{
		Name: "the home directory left out", Options: Options{MountHome: provision.Off},
		Sees: sights("configuration", "your home directory is to be left out"),
		Want: steps(stop, configure, start), Boots: true,
	},
	{
		Name: "no VM, and the home directory left out", Faults: on(VMDeleted), Options: Options{MountHome: provision.Off},
		Sees: sights("instance", "absent"),
		Want: steps(create, start, directories, units, agent, activate, marker),
		May:  steps(packages, group, linger), Boots: true,
	},
	{Name: "another agent", Options: Options{Agent: AgentGood}, Want: steps(agent, activate)},
	{Name: "an agent that does not answer", InTurn: true, Options: Options{Agent: AgentBad},
		Want: steps(agent, activate), Kind: provision.KindProvisioning},
	{Name: "no agent named", Options: Options{Agent: AgentNone}, Want: steps()},
	{
		Name: "no agent named and none there", Faults: in("rm -f " + agentPath), Options: Options{Agent: AgentNone},
		Want: steps(), Kind: provision.KindPrerequisite,
	},
}
