package scenario

import "github.com/atomize-hq/worldsetup/provision/layout"

const (
	gateway    = "/usr/local/bin/substrate-gateway"
	cli        = "/usr/local/bin/substrate"
	cliWrapper = "/usr/local/bin/world"
)

// companionScenarios are about the programs beside the agent, which the project has.
var companionScenarios = append(bringing(BringsCompanions,
	Scenario{Name: "gateway missing", Faults: in("rm " + gateway), Sees: sights("companions", gateway+" is missing"),
		Want: steps(companions)},
	Scenario{Name: "gateway not executable", Faults: in("chmod 0644 " + gateway), Sees: sights("companions", "mode 0644;"),
		Want: steps(companions)},
	Scenario{Name: "gateway changed", Faults: in("echo >>" + gateway), Sees: sights("companions", "differs from"),
		Want: steps(companions)},
	Scenario{Name: "a directory in the place of the gateway", Faults: in("rm " + gateway + "\nmkdir " + gateway),
		Sees: sights("companions", gateway+" is a directory"), Want: steps(companions)},
	Scenario{Name: "guest CLI of the user", Faults: in("chown \"$1\" " + cli),
		Sees: sights("companions", cli+" has owner"),
		Want: steps(companions)},
	Scenario{Name: "wrapper of the guest CLI missing", Faults: in("rm " + cliWrapper),
		Sees: sights("companions", cliWrapper+" is missing"), Want: steps(companions)},
	Scenario{Name: "wrapper of the guest CLI with another text", Faults: in("echo 'echo no' >>" + cliWrapper),
		Sees: sights("companions", cliWrapper+" does not hold"), Want: steps(companions)},
), inTurn(
	Scenario{Name: "gateway missing, and none in the project", Faults: in("rm -f " + gateway),
		Sees: sights("substrate-gateway", "substrate world gateway"), Want: steps()},
)...)

const runtimeUnit = "/etc/systemd/system/worldsetup-runtime.service"

// broughtScenarios are about units that the project brings.
var broughtScenarios = ofLayout(layout.StagedV2, bringing(BringsUnits,
	Scenario{
		Name:   "unit of the project edited",
		Faults: in("echo '# edited' >>" + layout.StagedV2.ServicePath()),
		Sees:   sights("units", "has the wrong content"), Want: steps(units, activate),
	},
	Scenario{
		Name: "unit that makes directories for the project's missing", Faults: in("rm " + runtimeUnit + reload),
		Sees: sights("units", runtimeUnit+" is missing"), Want: steps(units, activate),
	},
	Scenario{
		Name:   "directory of the project's unit gone, and the service started again",
		Faults: in("rm -rf /run/substrate/*\nsystemctl restart " + layout.StagedV2.Service()), Want: steps(),
	},
	Scenario{
		Name:   "drop-in against a unit of the project",
		Faults: in(dropIn("/etc/systemd/system/"+layout.StagedV2.Socket(), "50-mode", "[Socket]\\nSocketMode=0666\\n")),
		Sees:   sights("overrides", "SocketMode=0666"), Want: steps(units, activate),
	},
)...)

// bringing makes rows be played with a project that has something for its world.
func bringing(what Brings, rows ...Scenario) []Scenario {
	for i := range rows {
		rows[i].Options.Brings = what
	}
	return inTurn(rows...)
}
