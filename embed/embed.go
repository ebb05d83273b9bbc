// Package embed holds everything that worldsetup puts into a VM or gives to Lima: the profile, the systemd units, the
// scripts that run in the guest and the probe agent. The files beside it are the truth; this package only hands them
// out.
//
// The rules are: a guest script is POSIX sh, takes its input as arguments or on standard input (never pasted into its
// text), runs in the environment that frame.sh makes, checks its own outcome, and exits non-zero with the reason on
// standard error. What it has written is on the disk when it ends (sync -f): a marker was lost once to a power cut some
// seconds after it was reported.
package embed

import (
	_ "embed"
	"fmt"

	"github.com/atomize-hq/worldsetup/internal/fields"
	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Script is one guest script.
type Script struct {
	Name string // the file's name without its extension, for messages and for the simulation
	Text string
}

var (
	//go:embed guest/observe.sh
	observe string
	//go:embed guest/python.sh
	python string
	//go:embed guest/patiently.sh
	patiently string
	//go:embed guest/displace.sh
	displace string
	//go:embed guest/ask.sh
	ask string
	//go:embed guest/verify.sh
	verify string
	//go:embed guest/group.sh
	group string
	//go:embed guest/apt.sh
	apt string
	//go:embed guest/packages.sh
	packages string
	//go:embed guest/directories.sh
	directories string
	//go:embed guest/agent.sh
	agentScript string
	//go:embed guest/companion.sh
	companion string
	//go:embed guest/build.sh
	build string
	//go:embed guest/cargo.sh
	cargo string
	//go:embed guest/staged.sh
	staged string
	//go:embed guest/stage.sh
	stage string
	//go:embed guest/units.sh
	units string
	//go:embed guest/linger.sh
	linger string
	//go:embed guest/activate.sh
	activate string
	//go:embed guest/retire.sh
	retire string
	//go:embed guest/marker.sh
	marker string
	//go:embed guest/clock.sh
	clock string
	//go:embed guest/writable.sh
	writable string
	//go:embed guest/free-space.sh
	freeSpace string
	//go:embed guest/ssh-access.sh
	sshAccess string
	//go:embed guest/rosetta.sh
	rosetta string
	//go:embed guest/watch.sh
	watch string
	//go:embed guest/obstacles.sh
	obstacles string
	//go:embed guest/refused.sh
	refused string
	//go:embed guest/chain.sh
	chain string
	//go:embed guest/frame.sh
	frame string

	//go:embed guest/boot-group.sh
	bootGroup string
	//go:embed profile.yaml
	profile []byte
	//go:embed units/socket.tmpl
	socketUnit string
	//go:embed units/runtime.tmpl
	runtimeUnit string
	//go:embed units/service.tmpl
	serviceUnit string
	//go:embed agent/probe-agent.py
	probeAgent []byte
)

// The guest scripts. What each takes and prints stands in its own first lines.
var (
	Observe     = Script{"observe", python + patiently + ask + observe}
	ObserveNew  = Script{"new", Observe.Text}    // by its name it knows that there may be nothing of ours
	Mounts      = Script{"mounts", Observe.Text} // by its name it knows that only mounts are asked for
	Verify      = Script{"verify", patiently + ask + verify}
	Group       = Script{"group", group}
	Packages    = Script{"packages", apt + python + packages}
	Directories = Script{"directories", displace + directories}
	Agent       = Script{"agent", displace + agentScript}
	Companion   = Script{"companion", displace + companion}
	Build       = Script{"build", build}
	Cargo       = Script{"cargo", apt + cargo}
	Staged      = Script{"staged", staged}
	Stage       = Script{"stage", displace + stage}
	Units       = Script{"units", displace + units}
	Linger      = Script{"linger", linger}
	Activate    = Script{"activate", python + displace + activate}
	Retire      = Script{"retire", displace + retire}
	Marker      = Script{"marker", displace + marker}
	Clock       = Script{"clock", clock}
	Writable    = Script{"writable", writable}
	FreeSpace   = Script{"free-space", freeSpace}
	SSHAccess   = Script{"ssh-access", displace + sshAccess}
	Rosetta     = Script{"rosetta", rosetta}
	Watch       = Script{"watch", watch}
	Chain       = Script{"chain", chain}
	Frame       = Script{"frame", frame}
	Refused     = Script{"refused", refused}
	Obstacles   = Script{"obstacles", obstacles}
)

// BootGroup is the script that a profile runs at every boot, before the user exists; Lima fills in the user's name.
func BootGroup() string { return bootGroup }

// Profile is the built-in Lima profile, YAML.
func Profile() []byte { return profile }

// ProbeAgent is the built-in agent, a Python program for the guest's own python3.
func ProbeAgent() []byte { return probeAgent }

// plainPath is what may stand in a systemd unit without quoting; every home directory that Lima makes is of this form.
var plainPath = lazyregexp.New(`^/[A-Za-z0-9._/+-]*$`)

// SocketUnit is the text of a layout's socket unit.
func SocketUnit(of layout.Layout) string { return fill(socketUnit, of, "", false) }

// RuntimeUnit is the text of the unit that makes the directories below /run that a layout's service needs, where its
// own text, which a project brings, does not.
func RuntimeUnit(of layout.Layout) string { return fill(runtimeUnit, of, "", false) }

// ServiceUnit is the text of a layout's service unit for a user whose home directory in the guest is home. It fails
// when home could not stand in a unit as it is.
func ServiceUnit(of layout.Layout, home string, netfilter bool) (string, error) {
	if !plainPath.MatchString(home) {
		return "", fmt.Errorf("the home directory %q in the guest cannot be written into a systemd unit", home)
	}
	return fill(serviceUnit, of, home, netfilter), nil
}

// fill returns a unit's text with its values.
func fill(unit string, of layout.Layout, home string, netfilter bool) string {
	values := map[string]any{
		"Title": of.Title, "Service": of.Service(), "Agent": of.Agent(), "Home": home, "Netfilter": "",
		"Runtime":      each(" substrate/", of.Runtime),
		"RuntimePaths": each(" ", of.RuntimePaths()),
	}
	if netfilter {
		values["Netfilter"] = "Environment=WORLD_NETFILTER_ENABLE=1\n"
	}
	text, ok := fields.Expand(unit, values)
	if !ok {
		panic("a unit's template names what it has no value for") // it is ours
	}
	return text
}

// each returns the words, each with prefix before it.
func each(prefix string, words []string) (text string) {
	for _, word := range words {
		text += prefix + word
	}
	return text
}
