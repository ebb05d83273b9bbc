package scenario

import (
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

const stage = provision.StepStage

// ofLayout makes rows be played in a world of a generation of the layout.
func ofLayout(of layout.Layout, rows ...Scenario) []Scenario {
	for i := range rows {
		rows[i].Options.Layout = of.Name
		rows[i].BedOnly = "it wants a world of another generation, for which a VM boots twice"
	}
	return inTurn(rows...)
}

var (
	copyRoot     = layout.StagedV2.Staging
	copyPath     = layout.StagedV2.Current()
	manifestPath = layout.StagedV2.Manifest()
	gatewayPath  = layout.StagedV2.RuntimePaths()[0]
)

// stagedScenarios are about the copy of the project in a world that mounts nothing.
var stagedScenarios = ofLayout(layout.StagedV2,
	Scenario{
		Name: "staged copy missing", Faults: in("rm -rf " + copyPath),
		Sees: sights("staged", "is missing"), Want: steps(stage),
	},
	Scenario{
		Name: "staged folder missing", Faults: in("rm -rf " + copyRoot),
		Sees: sights("staged", "is missing"), Want: steps(stage),
	},
	Scenario{
		Name: "staged copy stale", Faults: in("touch -d @1 " + copyPath + "/main.go\nrm " + copyPath + "/docs/read.me"),
		Sees: sights("staged", "1 new, 1 changed"), Want: steps(stage), Waits: true,
	},
	// Both are lost, so that the reason says it.
	Scenario{
		Name:   "staged copy changed in the guest",
		Faults: in("echo >>" + copyPath + "/main.go\necho >" + copyPath + "/only-here"),
		Sees:   sights("staged", "newer there: 1, that are only there: 1"), Want: steps(stage), Waits: true,
	},
	Scenario{
		Name: "staged copy half-copied, beside a whole one", Faults: in("mkdir -p " + copyRoot + "/.new/docs"),
		Sees: sights("staged", "not finished"), Want: steps(stage),
	},
	Scenario{
		Name: "staged copy half-copied, in its place", Faults: in("rm -r " + copyPath + "/main.go " + manifestPath),
		Sees: sights("staged", manifestPath+" is missing"), Want: steps(stage),
	},
	Scenario{
		Name: "staged copy moved away for another one", Faults: in("mv " + copyPath + " " + copyRoot + "/.old"),
		Sees: sights("staged", "is missing"), Want: steps(stage),
	},
	Scenario{
		Name: "staged copy of root's", Faults: in("chown -R root:root " + copyPath),
		Sees: sights("staged", copyPath+" has owner root:root"), Want: steps(stage),
	},
	Scenario{
		Name: "a file of root's in the staged copy", Faults: in("chown root " + copyPath + "/main.go"),
		Sees: sights("staged", "entries of another owner: 1"), Want: steps(stage),
	},
	Scenario{
		Name: "staged copy open to all", Faults: in("chmod 0777 " + copyPath),
		Sees: sights("staged", "mode 0777;"), Want: steps(stage),
	},
	Scenario{
		Name: "staged folder open to all", Faults: in("chmod 0755 " + copyRoot),
		Sees: sights("staged", "mode 0755;"), Want: steps(stage),
	},
	Scenario{
		Name: "staged folder a file", Faults: in("rm -rf " + copyRoot + "\necho >" + copyRoot),
		Sees: sights("staged", "is missing"), Want: steps(stage),
	},
	Scenario{
		Name: "staged copy without a manifest", Faults: in("rm " + manifestPath),
		Sees: sights("staged", manifestPath+" is missing"), Want: steps(stage),
	},
	Scenario{
		Name: "manifest open to all", Faults: in("chmod 0644 " + manifestPath),
		Sees: sights("staged", "mode 0644;"), Want: steps(stage),
	},
	Scenario{
		Name: "manifest a link", Faults: in("ln -sf /etc/hostname " + manifestPath),
		Sees: sights("staged", manifestPath+" is a symbolic link"), Want: steps(stage),
	},
	Scenario{
		Name:   "manifest of another project",
		Faults: in("sed -i 's,^project_path=.*,project_path=/elsewhere,' " + manifestPath),
		Sees:   sights("staged", "the copy is of /elsewhere"), Want: steps(stage),
	},
	Scenario{
		Name:   "staged copy a link to elsewhere",
		Faults: in("mv " + copyPath + " /srv/copy\nln -s /srv/copy " + copyPath),
		Sees:   sights("staged", copyPath+" is a symbolic link"), Want: steps(stage),
	},
	Scenario{
		Name: "staged copy a file", Faults: in("rm -rf " + copyPath + "\necho >" + copyPath),
		Sees: sights("staged", copyPath+" is a regular file"), Want: steps(stage),
	},
	Scenario{
		Name: "gateway's directory missing", Faults: in("rmdir " + gatewayPath),
		Sees: sights("service", gatewayPath+" is missing"),
		Want: steps(activate),
	},
	Scenario{
		Name: "gateway's directory open to all", Faults: in("chmod 0777 " + gatewayPath),
		Sees: sights("service", "mode 0777;"), Want: steps(activate),
	},
	Scenario{
		Name: "marker of an older generation", Faults: in("echo " + layout.ServiceV1.Marker + " >" + markerPath),
		Sees: sights("marker", "of an older generation"), Want: steps(marker),
	},
)
