package scenario

import "github.com/atomize-hq/worldsetup/provision"

// askedScenarios are worlds that are asked for something else.
var askedScenarios = []Scenario{
	{Name: "another number of processors", Options: Options{CPUs: 3}, Want: steps(stop, configure, start), Boots: true},
	{Name: "netfilter asked for", Options: Options{Netfilter: provision.On}, Want: steps(units, activate)},
	{Name: "another agent", Options: Options{Agent: AgentGood}, Want: steps(agent, activate)},
	{Name: "an agent that does not answer", InTurn: true, Options: Options{Agent: AgentBad},
		Want: steps(agent, activate), Kind: provision.KindProvisioning},
	{Name: "no agent named", Options: Options{Agent: AgentNone}, Want: steps()},
	{
		Name: "no agent named and none there", Faults: in("rm -f " + agentPath), Options: Options{Agent: AgentNone},
		Want: steps(), Kind: provision.KindPrerequisite,
	},
}
