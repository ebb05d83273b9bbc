package scenario

import (
	"slices"

	"github.com/atomize-hq/worldsetup/provision"
)

const (
	stop, configure, create, start = provision.StepStop, provision.StepConfigure,
		provision.StepCreate, provision.StepStart
	packages, group, directories = provision.StepPackages, provision.StepGroup, provision.StepDirectories
	agent, units, linger         = provision.StepAgent, provision.StepUnits, provision.StepLinger
	activate, marker, connection = provision.StepActivate, provision.StepMarker, provision.StepConnection
	clock, writable, room, entry = provision.StepClock, provision.StepWritable,
		provision.StepFreeSpace, provision.StepSSHAccess
	adopt, hostSocket = provision.StepAdopt, provision.StepHostSocket
	companions        = provision.StepCompanions
)

// All returns all scenarios.
func All() []Scenario { return slices.Concat(Tables()...) }

// Tables returns all scenarios, grouped by the damage.
func Tables() [][]Scenario {
	return [][]Scenario{
		unitScenarios, socketScenarios, accountScenarios, agentScenarios, directoryScenarios, machineScenarios,
		noiseScenarios, shellScenarios, environmentScenarios, wrapperScenarios, identityScenarios, sshScenarios,
		connectionScenarios, vmScenarios, togetherScenarios, askedScenarios, replaceScenarios,
		fileScenarios, systemdScenarios, unitFileScenarios, packageScenarios, fileSystemScenarios, processScenarios,
		networkScenarios, hostScenarios,
		lastWayScenarios, warmScenarios, companionScenarios, broughtScenarios, stagedScenarios,
	}
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

// sights makes Sights of pairs: an item, and words of its line.
func sights(pairs ...string) (sights []Sight) {
	for i := 0; i < len(pairs); i += 2 {
		sights = append(sights, Sight{pairs[i], pairs[i+1]})
	}
	return sights
}

const (
	agentPath   = "/usr/local/bin/substrate-world-agent"
	servicePath = "/etc/systemd/system/substrate-world-agent.service"
	socketPath  = "/etc/systemd/system/substrate-world-agent.socket"
	theService  = "substrate-world-agent.service"
	theSocket   = "substrate-world-agent.socket"
	bothUnits   = theService + " " + theSocket
	reload      = "\nsystemctl daemon-reload"
)

// dropIn adds a drop-in with some settings to a unit, and reloads systemd.
func dropIn(unit, name, settings string) string {
	return "mkdir -p " + unit + ".d\nprintf '" + settings + "' >" + unit + ".d/" + name + ".conf" + reload
}
