package scenario

import (
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/provision"
)

// dropInEverywhere makes a row of each directory that systemd reads drop-ins from. What is in force counts, wherever it
// comes from.
func dropInEverywhere() (rows []Scenario) {
	for _, place := range []struct{ name, dir string }{
		{"of this boot", "/run/systemd/system/" + theService},
		{"of set-property", "/etc/systemd/system.control/" + theService},
		{"of a transient unit", "/run/systemd/transient/" + theService},
		{"of a local package", "/usr/local/lib/systemd/system/" + theService},
		{"of a package", "/usr/lib/systemd/system/" + theService},
		{"by the prefix substrate", "/etc/systemd/system/substrate-.service"},
		{"by the prefix substrate-world", "/etc/systemd/system/substrate-world-.service"},
		{"of this boot by a prefix", "/run/systemd/system/substrate-.service"},
		{"of all services", "/etc/systemd/system/service"},
	} {
		rows = append(rows, Scenario{
			Name: "a drop-in " + place.name,
			Faults: []Fault{{
				Guest: dropIn(place.dir, "user", `[Service]\nUser=games\n`),
				Undo:  "rm -rf " + place.dir + ".d " + servicePath + ".d" + reload,
			}},
			Sees: sights("overrides", place.dir+".d/user.conf contradicts the unit: User=games"),
			Want: steps(units, activate),
		})
	}
	return rows
}

const (
	openPort     = "Environment=SUBSTRATE_AGENT_TCP_PORT=61337"
	openListener = "ListenStream=127.0.0.1:61337"
	slowService  = `[Service]\nType=oneshot\nExecStart=/bin/sleep 600\n` // for printf
	journald     = "systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service"
)

// systemdScenarios are settings that are laid over our units.
var systemdScenarios = inTurn(slices.Concat(dropInEverywhere(), []Scenario{
	{
		// It is a wish, until it keeps the agent from starting: then it is the cause, and named.
		Name: "a drop-in for all services",
		Faults: []Fault{{
			Guest: "mkdir -p /etc/systemd/system/service.d\n" +
				"printf '[Service]\\nExecStartPre=/bin/false\\n' >/etc/systemd/system/service.d/all.conf" + reload +
				"\nsystemctl restart " + theService + " || :",
			Undo: "rm -r /etc/systemd/system/service.d" + reload,
		}},
		Sees: sights("service", "/etc/systemd/system/service.d/all.conf: ExecStartPre=/bin/false"),
		Want: steps(activate), Kind: provision.KindProvisioning,
		Says: []string{"/etc/systemd/system/service.d/all.conf", "ExecStartPre=/bin/false"},
	},
	{
		Name:   "a drop-in with an environment that adds up",
		Faults: in(dropIn(servicePath, "port", `[Service]\n`+openPort+`\nEnvironment=A=b\n`)),
		Sees:   sights("overrides", "port.conf contradicts the unit: Environment=SUBSTRATE_AGENT_TCP_PORT=61337"),
		Want:   steps(units, activate),
	},
	{
		Name:   "a drop-in with two variables in one line",
		Faults: in(dropIn(servicePath, "port", `[Service]\nEnvironment=A=b "SUBSTRATE_AGENT_TCP_PORT=61337"\n`)),
		Sees:   sights("overrides", "SUBSTRATE_AGENT_TCP_PORT=61337"), Want: steps(units, activate),
	},
	{
		Name: "an environment file that opens a port",
		Faults: []Fault{{
			Guest: "printf 'SUBSTRATE_AGENT_TCP_PORT=61337\\n' >/etc/agent.env\n" +
				dropIn(servicePath, "file", `[Service]\nEnvironmentFile=/etc/agent.env\n`),
			Undo: "rm /etc/agent.env",
		}},
		Sees: sights("overrides", "SUBSTRATE_AGENT_TCP_PORT=61337"), Want: steps(units, activate),
	},
	{
		Name: "an environment file that adds",
		Faults: []Fault{{
			Guest: "printf 'EDITOR=vi\\n' >/etc/agent.env\n" +
				dropIn(servicePath, "file", `[Service]\nEnvironmentFile=-/etc/agent.env\n`),
			Undo: "rm -r /etc/agent.env " + servicePath + ".d" + reload,
		}},
		Sees: sights("drop-ins", "file.conf"), Want: steps(),
	},
	{
		// systemd applies it to every service, so it is not ours to remove, and no file of ours is wrong.
		Name: "a port in the environment of all services",
		Faults: []Fault{{
			Guest: "systemctl set-environment SUBSTRATE_AGENT_TCP_PORT=61337",
			Undo:  "systemctl unset-environment SUBSTRATE_AGENT_TCP_PORT",
		}},
		Sees: sights("overrides", "SUBSTRATE_AGENT_TCP_PORT=61337"), Want: steps(), Kind: provision.KindUnhealthy,
		Says: []string{"systemctl unset-environment SUBSTRATE_AGENT_TCP_PORT"},
	},
	{
		Name: "a port in the environment by default",
		Faults: []Fault{{
			Guest: "mkdir -p /etc/systemd/system.conf.d\nprintf '[Manager]\\nDefaultEnvironment=A=b " +
				"SUBSTRATE_AGENT_TCP_PORT=61337\\n' >/etc/systemd/system.conf.d/port.conf" + reload,
			Undo: "rm -r /etc/systemd/system.conf.d" + reload,
		}},
		Sees: sights("overrides", "SUBSTRATE_AGENT_TCP_PORT=61337"), Want: steps(), Kind: provision.KindUnhealthy,
		Says: []string{"DefaultEnvironment"},
	},
	{
		Name: "a variable handed on that opens a port",
		Faults: []Fault{{
			Guest: "systemctl set-environment PORT_OF_OURS=1\n" +
				dropIn(servicePath, "pass", `[Service]\nPassEnvironment=PORT_OF_OURS\n`),
			Undo: "systemctl unset-environment PORT_OF_OURS\nrm -r " + servicePath + ".d" + reload,
		}},
		Sees: sights("drop-ins", "pass.conf"), Want: steps(),
	},
	{
		Name:   "a drop-in with a second listener",
		Faults: in(dropIn(socketPath, "tcp", `[Socket]\nListenStream=127.0.0.1:61337\n`)),
		Sees:   sights("overrides", "tcp.conf contradicts the unit: ListenStream=127.0.0.1:61337"),
		Want:   steps(units, activate),
	},
	{
		Name: "a drop-in with a second listener before ours",
		Faults: in("systemctl stop " + bothUnits + "\n" +
			dropIn(socketPath, "tcp", `[Socket]\nListenStream=\n`+openListener+`\nListenStream=/run/substrate.sock\n`) +
			"\nsystemctl start " + theSocket + "\nss -ltn | grep -q 61337"),
		Sees: sights("overrides", "ListenStream=127.0.0.1:61337"), Want: steps(units, activate),
	},
	{
		Name: "a drop-in for all sockets, with a space in its name",
		Faults: []Fault{{
			Guest: "mkdir -p /usr/lib/systemd/system/socket.d\nprintf '[Socket]\\nSocketMode=\\\\\\n  0666\\n' " +
				">'/usr/lib/systemd/system/socket.d/my own.conf'" + reload,
			Undo: "rm -r /usr/lib/systemd/system/socket.d " + socketPath + ".d" + reload,
		}},
		Sees: sights("overrides", "/usr/lib/systemd/system/socket.d/my own.conf contradicts the unit: SocketMode=0666"),
		Want: steps(units, activate),
	},
	{
		Name: "a drop-in with a condition that is not met",
		Faults: []Fault{{
			Guest: dropIn(servicePath, "when", `[Unit]\nConditionPathExists=/nowhere\n`) + "\nsystemctl restart " +
				theService,
			Undo: "rm -r " + servicePath + ".d" + reload,
		}},
		Sees: sights("socket", "root asked the agent"), Want: steps(activate), Kind: provision.KindProvisioning,
		Says: []string{servicePath + ".d/when.conf", "ConditionPathExists=/nowhere"}, NotSays: []string{"--agent FILE"},
	},
	{
		// It is a wish of the user's until it keeps the agent from starting: then it is the cause, and named.
		Name: "a drop-in whose program fails before the agent",
		Faults: []Fault{{
			Guest: dropIn(servicePath, "before", `[Service]\nExecStartPre=/bin/false\n`) + "\nsystemctl restart " +
				theService + " || :",
			Undo: "rm -r " + servicePath + ".d" + reload,
		}},
		Sees: sights("service", theService+" has failed"), Want: steps(activate), Kind: provision.KindProvisioning,
		Says: []string{servicePath + ".d/before.conf", "ExecStartPre=/bin/false"}, NotSays: []string{"--agent FILE"},
	},
	{
		Name: "a drop-in whose program hangs before the agent",
		Faults: []Fault{{
			Guest: dropIn(servicePath, "before", `[Service]\nExecStartPre=/bin/sleep 1000\nTimeoutStartSec=4\n`) +
				"\nsystemctl restart --no-block " + theService,
			Undo: "rm -r " + servicePath + ".d" + reload,
		}},
		Sees: sights("service", theService), Want: steps(activate), Kind: provision.KindProvisioning,
		Says:    []string{servicePath + ".d/before.conf", "ExecStartPre=/bin/sleep 1000"},
		NotSays: []string{"--agent FILE"},
	},
	{
		Name: "a drop-in that starves the agent",
		Faults: []Fault{{
			Guest: dropIn(servicePath, "limit", `[Service]\nLimitAS=4M\n`) + "\nsystemctl restart " + theService +
				" || :",
			Undo: "rm -r " + servicePath + ".d" + reload,
		}},
		Sees: sights("service", theService), Want: steps(activate), Kind: provision.KindProvisioning,
		Says: []string{servicePath + ".d/limit.conf", "LimitAS=4M"}, NotSays: []string{"--agent FILE"},
	},
	{
		Name: "a limit left over",
		Faults: []Fault{{
			Guest: "systemctl set-property " + theService + " MemoryMax=2M\nsystemctl restart " + theService + " || :",
			Undo:  "systemctl revert " + theService + " || :",
		}},
		Sees: sights("overrides", "MemoryMax"), Want: steps(units, activate),
		VMOnly: "the test bed's control groups have no memory controller",
	},
	{
		// Where no controller is there to enforce it, and where it is enough, it is a wish as any other.
		Name: "a limit that is large enough",
		Faults: []Fault{{
			Guest: "systemctl set-property " + theService + " MemoryMax=3G\nsystemctl set-property --runtime " +
				theService + " CPUWeight=50" + reload,
			Undo: "rm -r /etc/systemd/system.control /run/systemd/system.control" + reload,
		}},
		Sees: sights("drop-ins", "MemoryMax"), Want: steps(),
	},
	{
		Name: "a drop-in that refuses a stop, and the socket open",
		Faults: []Fault{{
			Guest: dropIn(socketPath, "refuse", `[Unit]\nRefuseManualStop=yes\n`) + "\nchmod 0666 /run/substrate.sock",
			Undo:  "rm -r " + socketPath + ".d" + reload,
		}},
		Sees: sights("socket", "root:substrate, mode 0666"), Want: steps(activate), Kind: provision.KindProvisioning,
		Says: []string{"RefuseManualStop", socketPath + ".d/refuse.conf"}, NotSays: []string{"--agent FILE"},
	},
})...)

// otherSocket is someone else's unit that listens on our socket's path.
const otherSocket = "cd /etc/systemd/system\nprintf '[Socket]\\nListenStream=/run/substrate.sock\\n" +
	"[Install]\\nWantedBy=sockets.target\\n' >other-agent.socket\n" +
	"printf '[Service]\\nExecStart=/bin/sleep 1000\\n' >other-agent.service" + reload + "\n"

// withoutOther removes it.
const withoutOther = "systemctl disable --now other-agent.socket other-agent.service 2>/dev/null || :\n" +
	"rm -f /etc/systemd/system/other-agent.*" + reload +
	"\nsystemctl stop " + bothUnits + "\nrm -f /run/substrate.sock"

// unitFileScenarios are units beside ours, and masks, links and aliases of our units.
var unitFileScenarios = inTurn(
	Scenario{
		// It may be anyone's: the failure names it, with the command that stops it, and its socket stays.
		Name:   "another unit listens at our path",
		Faults: []Fault{{Guest: otherSocket + "systemctl start other-agent.socket", Undo: withoutOther}},
		Sees:   sights("socket", "other-agent.socket"), Want: steps(), Kind: provision.KindUnhealthy,
		Says: []string{"other-agent.socket", "systemctl disable --now other-agent.socket"},
	},
	Scenario{
		Name:   "another unit listens at our path from the next boot on",
		Faults: []Fault{{Guest: otherSocket + "systemctl enable other-agent.socket", Undo: withoutOther}},
		Sees:   sights("socket", "other-agent.socket"), Want: steps(), Kind: provision.KindUnhealthy,
		Says: []string{"other-agent.socket", "systemctl disable --now other-agent.socket"},
	},
	Scenario{
		Name: "another unit listened at our path since the boot",
		Faults: []Fault{{
			Guest: otherSocket + "systemctl enable other-agent.socket"}, {Host: VMStopped, Undo: withoutOther}},
		Sees: sights("instance", "stopped"), Want: steps(start), Kind: provision.KindUnhealthy, Boots: true,
		Says: []string{"other-agent.socket", "systemctl disable --now other-agent.socket"},
	},
	Scenario{
		// Its file was renamed before ours was made. It still shows the path, and a client that opens that file connects
		// to it.
		Name: "a second listener at the path",
		Faults: []Fault{{
			Guest: "systemctl stop " + bothUnits + "\n" +
				"systemd-run --quiet --unit=second python3 -c \"import socket, time\n" +
				"s = socket.socket(socket.AF_UNIX)\ns.bind('/run/substrate.sock')\ns.listen()\ntime.sleep(600)\"\n" +
				"while ! test -S /run/substrate.sock; do sleep 0.1; done\nmv /run/substrate.sock /run/second.sock\n" +
				"systemctl start " + theSocket,
			Undo: "systemctl stop second.service\nrm -f /run/second.sock",
		}},
		Sees: sights("socket", "second.service"), Want: steps(), Kind: provision.KindUnhealthy,
		Says: []string{"systemctl stop second.service"},
	},
	Scenario{
		Name: "a process of the user's listens at our path",
		Faults: []Fault{{
			Guest: "systemctl stop " + bothUnits + "\n" +
				"mkdir /sys/fs/cgroup/user.slice/other.scope\n" +
				"(echo 0 >/sys/fs/cgroup/user.slice/other.scope/cgroup.procs\n" +
				"exec setsid python3 -c \"import socket, time\n" +
				"s = socket.socket(socket.AF_UNIX)\ns.bind('/run/substrate.sock')\ns.listen()\ntime.sleep(600)\"" +
				") >/dev/null 2>&1 </dev/null &\necho $! >/run/other.pid\n" +
				"while ! test -S /run/substrate.sock; do sleep 0.1; done",
			Undo: "kill $(cat /run/other.pid)\nrm -f /run/substrate.sock",
		}},
		Sees: sights("socket", theSocket+" is inactive", "socket", "process "), Want: steps(),
		Kind: provision.KindUnhealthy, Says: []string{"sudo kill "},
	},
	Scenario{
		Name: "a mask that our file beats", Want: steps(),
		Faults: []Fault{{
			Guest: "ln -s /dev/null /run/systemd/system/" + theService + reload,
			Undo:  "rm /run/systemd/system/" + theService + reload,
		}},
	},
	Scenario{
		Name:   "a mask that no file beats any more",
		Faults: in("ln -s /dev/null /run/systemd/system/" + theSocket + "\nrm " + socketPath + reload),
		Sees:   sights("units", theSocket+" is masked"), Want: steps(units, activate),
	},
	Scenario{
		Name: "units of a package that ours beat", Want: steps(),
		Faults: []Fault{{
			Guest: "printf '[Service]\\nExecStart=/bin/false\\n' >/usr/lib/systemd/system/" + theService +
				"\nprintf '[Socket]\\nListenStream=61337\\n' >/usr/lib/systemd/system/" + theSocket + reload,
			Undo: "rm /usr/lib/systemd/system/substrate-world-agent.*" + reload,
		}},
	},
	Scenario{
		Name: "our unit gone, and one of a package in its place",
		Faults: []Fault{{
			Guest: "printf '[Service]\\nExecStart=/bin/false\\n' >/usr/lib/systemd/system/" + theService + "\nrm " +
				servicePath + reload +
				"\nsystemctl restart " + theService + " || :",
			Undo: "rm /usr/lib/systemd/system/" + theService + reload,
		}},
		Sees: sights("units", servicePath+" is missing"), Want: steps(units, activate),
	},
	Scenario{
		Name: "another name for our unit", Want: steps(),
		Faults: []Fault{{
			Guest: "ln -s " + servicePath + " /etc/systemd/system/agent-of-mine.service" + reload,
			Undo:  "rm /etc/systemd/system/agent-of-mine.service" + reload,
		}},
	},
	Scenario{
		Name: "a preset that disables everything", Want: steps(),
		Faults: []Fault{{
			Guest: "mkdir -p /etc/systemd/system-preset\n" +
				"printf 'disable *\\n' >/etc/systemd/system-preset/00-none.preset",
			Undo: "rm /etc/systemd/system-preset/00-none.preset",
		}},
	},
	Scenario{
		// systemd treats such a link as a mask of the dependency: the socket would not listen after a boot.
		Name:   "a mask where our socket is wanted",
		Faults: in("ln -sf /dev/null /etc/systemd/system/sockets.target.wants/" + theSocket + reload),
		Sees:   sights("units", theSocket), Want: steps(units),
	},
	Scenario{
		Name:   "a file where our socket is wanted",
		Faults: in("f=/etc/systemd/system/sockets.target.wants/" + theSocket + "\nrm $f\n: >$f" + reload),
		Sees:   sights("units", theSocket), Want: steps(units),
	},
	Scenario{
		Name: "a start limit reached",
		Faults: in("n=0\nwhile systemctl restart " + theService +
			" && [ $n -lt 20 ]; do n=$((n + 1)); done 2>/dev/null\nsystemctl is-failed " + theService +
			"\nsystemctl stop " + theSocket),
		Sees: sights("service", theService+" has failed"), Want: steps(activate),
	},

	// Faults elsewhere in the guest are not ours to repair.
	Scenario{
		Name: "another unit has failed", Want: steps(),
		Faults: []Fault{{
			Guest: "systemd-run --quiet --unit=failing false\n" +
				"while ! systemctl is-failed --quiet failing.service; do sleep 0.1; done",
			Undo: "systemctl reset-failed failing.service",
		}},
	},
	Scenario{
		Name: "a job that takes long, and the socket stopped",
		Faults: []Fault{{
			Guest: "printf '[Unit]\\nBefore=multi-user.target sockets.target\\n" + slowService + "' " +
				">/etc/systemd/system/slow.service" + reload + "\nsystemctl start --no-block slow.service\n" +
				"systemctl stop " + theSocket,
			Undo: "systemctl stop slow.service\nrm /etc/systemd/system/slow.service" + reload,
		}},
		Sees: sights("socket", theSocket+" is inactive"), Want: steps(activate),
	},
	Scenario{
		Name: "a boot that a service holds up",
		Faults: []Fault{
			{
				Guest: "printf '[Unit]\\nBefore=multi-user.target\\n" + strings.Replace(slowService, "600", "25", 1) +
					"[Install]\\nWantedBy=multi-user.target\\n' " +
					">/etc/systemd/system/slow.service\nsystemctl -q enable slow.service",
			},
			{Host: VMStopped, Undo: "systemctl -q disable slow.service\nsystemctl stop slow.service\n" +
				"rm /etc/systemd/system/slow.service" + reload},
		},
		Sees: sights("instance", "stopped"), Want: steps(start), Boots: true,
	},
	Scenario{
		Name: "journald masked and stopped", Want: steps(),
		Faults: []Fault{{
			Guest: "systemctl mask --runtime --now " + journald + " 2>/dev/null",
			Undo:  "systemctl unmask --runtime " + journald + "\nsystemctl start " + journald,
		}},
	},
	Scenario{
		Name: "journald masked, and the socket open",
		Faults: []Fault{{
			Guest: "systemctl mask --runtime --now " + journald + " 2>/dev/null\n" +
				"chmod 0666 /run/substrate.sock",
			Undo: "systemctl unmask --runtime " + journald + "\nsystemctl start " + journald,
		}},
		Sees: sights("socket", "root:substrate, mode 0666"), Want: steps(activate),
	},
	Scenario{
		Name: "a journal without room, and an agent that fails",
		Faults: []Fault{{
			Guest: "mkdir -p /etc/systemd/journald.conf.d\n" +
				"printf '[Journal]\\nStorage=persistent\\nSystemMaxUse=1K\\n' " +
				">/etc/systemd/journald.conf.d/small.conf\n" +
				"rm -rf /var/log/journal\n: >/var/log/journal\nsystemctl restart systemd-journald.service\n" +
				"printf '#!/bin/sh\\nexit 1\\n' >" + agentPath +
				"\nsystemctl restart " + theService,
			Undo: "rm -r /etc/systemd/journald.conf.d /var/log/journal\nsystemctl restart systemd-journald.service",
		}},
		Sees: sights("agent", "differs from"), Want: steps(agent, activate),
	},
)
