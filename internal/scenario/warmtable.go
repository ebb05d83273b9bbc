package scenario

import (
	"slices"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// newer are the units and the agent of the generation after that of the usual world, made from those that are there.
const newer = "cd /etc/systemd/system\n" +
	"sed s/substrate-world-agent/substrate-world-service/g " + theService + " >substrate-world-service.service\n" +
	"sed s/substrate-world-agent/substrate-world-service/g " + theSocket + " >substrate-world-service.socket\n" +
	"cp -p " + agentPath + " /usr/local/bin/substrate-world-service" + reload + "\n" +
	"systemctl enable --quiet substrate-world-service.socket substrate-world-service.service"

// fixedNames are the name servers that lima-warm.sh fixes; freeNames undoes it.
const (
	fixedNames = "mkdir -p /etc/dnsmasq.d\nprintf 'no-resolv\\nserver=1.1.1.1\\n' >/etc/dnsmasq.d/substrate.conf"
	freeNames  = "rm -f /etc/dnsmasq.d/substrate.conf"
)

// adopted are the steps that make a world of a running VM of lima-warm.sh's: its inside is nearly one.
func adopted() []provision.StepID {
	return steps(adopt, stop, configure, start, directories, units, agent, activate)
}

// warmScenarios are VMs that the system's own tools made or own, and what these leave in ours.
var warmScenarios = inTurn([]Scenario{
	{
		Name: "VM of lima-warm of agent-v1", Faults: []Fault{{Host: VMWarmAgent, UndoHost: VMDeleted}},
		Sees: sights("owner", "made by lima-warm.sh", "owner", theService+" and "+theSocket,
			"owner", "the layout marker", "configuration", "again at every boot"),
		Want: steps(), Kind: provision.KindUsage, Boots: true, Says: []string{"was made by lima-warm.sh", "--adopt="},
	},
	{
		Name: "VM of lima-warm of agent-v1, adopted", Faults: on(VMWarmAgent), Options: Options{Adopt: true},
		Sees: sights("configuration", "kept as lima.yaml.before-worldsetup", "names", "1.1.1.1 and 1.0.0.1 only"),
		Want: adopted(), May: steps(packages, linger), Boots: true,
	},
	{
		Name: "VM of lima-warm of service-v1, adopted", Faults: []Fault{{Host: VMWarmService, UndoHost: VMDeleted}},
		Options: Options{Adopt: true},
		Sees:    sights("configuration", layout.ServiceV1.Service()+" and "+layout.ServiceV1.Socket()),
		Want:    adopted(), May: steps(packages, linger), Boots: true,
	},
	{
		Name: "VM of lima-warm, stopped and adopted", Faults: on(VMWarmAgent, VMStopped), Options: Options{Adopt: true},
		Sees: sights("owner", "made by lima-warm.sh", "instance", "stopped"),
		Want: slices.DeleteFunc(adopted(), func(id provision.StepID) bool { return id == stop }),
		May:  steps(packages, linger), Boots: true,
	},
	{
		Name: "script of lima-warm in the configuration", Faults: on(ConfigRewrites),
		Sees: sights("configuration", "writes "+theService+" and "+theSocket+" again at every boot"),
		Want: steps(stop, configure, start), Boots: true,
	},
	{
		Name: "script of lima-warm that has run at a boot",
		Faults: append(on(VMStopped, ConfigRewrites), Fault{
			Host: VMStarted, Undo: freeNames,
		}),
		Sees: sights("configuration", "again at every boot", "units", "has the wrong content",
			"names", "1.1.1.1"),
		Want: steps(stop, configure, start, units, activate), Boots: true,
	},
	{
		// The newer one wins: it is what someone has last asked for.
		Name: "units of both generations", Faults: []Fault{{Guest: newer, UndoHost: VMDeleted}},
		Sees: sights("generation", "the units of the generation agent-v1 are installed"),
		Want: steps(units, activate, provision.StepRetire), Boots: true, Disruption: provision.DisruptionUnit,
	},
	{
		Name: "units of both generations, both listening", Faults: []Fault{{
			Guest: newer + "\nsystemctl start substrate-world-service.socket", UndoHost: VMDeleted,
		}},
		Sees: sights("generation", "the units of the generation agent-v1 are installed"),
		Want: steps(units, activate, provision.StepRetire), Boots: true, Disruption: provision.DisruptionUnit,
	},
	{
		Name: "VM of a broker",
		Faults: []Fault{{
			Guest: "sed -i '/^\\[Service\\]/a Environment=SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT=0a1b' " + servicePath +
				reload,
			Undo: "sed -i /SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT/d " + servicePath + reload,
		}},
		Sees: sights("owner", "it belongs to the signed broker of Substrate: its "+theService), Want: steps(),
		Kind: provision.KindUsage, Says: []string{"SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT", "the tool that owns it"},
		NotSays: []string{"--adopt"},
	},
	{
		// A unit that was rendered without a broker has its variables too.
		Name: "a broker's variable without a value",
		Faults: in("sed -i '/^\\[Service\\]/a Environment=SUBSTRATE_INSTALL_HOST_CONTEXT_COMMITMENT=' " + servicePath +
			reload),
		Sees: sights("units", "has the wrong content"), Want: steps(units, activate),
	},
	{
		Name: "name servers of lima-warm", Faults: []Fault{{Guest: fixedNames, Undo: freeNames}},
		Sees: sights("names", "/etc/dnsmasq.d/substrate.conf has names resolved by 1.1.1.1 only"), Want: steps(),
	},
}...)
