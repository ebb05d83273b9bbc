package scenario

import "github.com/atomize-hq/worldsetup/provision"

var (
	// swapped are the steps by which a new VM replaces the old one.
	swapped = steps(provision.StepReplaceCreate, provision.StepReplaceStop, provision.StepReplaceBackup,
		provision.StepReplacePlace,
		start, directories, units, agent, activate)
	// undone are those that restore an old VM that was running.
	undone = steps(provision.StepRollbackDisplace, provision.StepRollbackPlace, provision.StepRollbackRemove,
		provision.StepRollbackStart,
		provision.StepRollbackVerify)
)

// replaceScenarios are worlds whose VM is replaced, with consent.
var replaceScenarios = []Scenario{
	{
		Name: "replaced on request", Options: Options{Replace: true},
		Want: append(swapped[:len(swapped):len(swapped)], marker, provision.StepReplaceRemove),
		May:  steps(packages, group, linger), Boots: true,
	},
	{
		Name:   "marker of another scheme, and replaced",
		Faults: in(`printf 'tcp-loopback-v0\n' >/etc/substrate-lima-layout`), Options: Options{Replace: true},
		Want: append(swapped[:len(swapped):len(swapped)], marker, provision.StepReplaceRemove),
		May:  steps(packages, group, linger), Boots: true,
	},
	{
		Name: "replaced, and the new agent does not answer", Options: Options{Replace: true, Agent: AgentBad},
		Want: append(swapped[:len(swapped):len(swapped)], undone...), May: steps(packages, group, linger),
		Kind: provision.KindProvisioning, Boots: true,
	},
}
