package scenario

import "github.com/atomize-hq/worldsetup/provision"

// unitScenarios are damage to the units, and to their state in systemd.
var unitScenarios = []Scenario{
	{Name: "nothing is wrong", Want: steps()},
	{Name: "service unit missing", Faults: in("rm -f " + servicePath), Sees: sights("units", servicePath+" is missing"),
		Want: steps(units, activate)},
	{Name: "socket unit missing", Faults: in("rm -f " + socketPath), Sees: sights("units", socketPath+" is missing"),
		Want: steps(units, activate)},
	{Name: "socket unit missing, and systemd knows", Faults: in("rm -f " + socketPath + reload),
		Sees: sights("units", "is missing"), Want: steps(units, activate)},
	{Name: "service unit edited", Faults: in("printf '# edited\\n' >>" + servicePath),
		Sees: sights("units", theService+" has the wrong content"), Want: steps(units, activate)},
	{Name: "socket unit edited, and systemd knows", Faults: in("printf '# edited\\n' >>" + socketPath + reload),
		Sees: sights("units", "has the wrong content"), Want: steps(units, activate)},
	{Name: "unit of another mode", Faults: in("chmod 0600 " + servicePath),
		Sees: sights("units", "root:root, mode 0600; expected root:root, 0644"), Want: steps(units, activate)},
	{Name: "unit of another owner", Faults: in(`chown "$1" ` + socketPath),
		Sees: sights("units", "expected root:root, 0644"), Want: steps(units, activate)},
	{Name: "units disabled", Faults: in("systemctl disable " + bothUnits),
		Sees: sights("units", theService+" is disabled"), Want: steps(units)},
	{Name: "service masked", Faults: in("ln -sf /dev/null " + servicePath + reload),
		Sees: sights("units", theService+" is masked"), Want: steps(units, activate)},
	{
		Name:   "socket unit masked and stopped",
		Faults: in("systemctl stop " + theSocket + "\nln -sf /dev/null " + socketPath + reload),
		Sees:   sights("units", theSocket+" is masked", "socket", theSocket+" is inactive"),
		Want:   steps(units, activate),
	},
	{
		Name: "service hidden by a mask",
		Faults: in("mkdir -p /etc/systemd/system.control\nln -sf /dev/null /etc/systemd/system.control/" + theService +
			reload),
		Sees: sights("overrides", "/etc/systemd/system.control/"+theService+" hides our "+theService),
		Want: steps(units, activate),
	},
	{
		Name: "service hidden by another one",
		Faults: in("mkdir -p /run/systemd/transient\nprintf '[Service]\\nExecStart=/bin/false\\n' " +
			">/run/systemd/transient/" + theService + reload +
			"\nsystemctl restart " + theService),
		Sees: sights("overrides", "hides our "+theService), Want: steps(units, activate),
	},
	{
		Name: "a drop-in for another program", InTurn: true,
		Faults: in(dropIn(servicePath, "other", `[Service]\nExecStart=\nExecStart=/bin/false\n`) +
			"\nsystemctl restart " + theService),
		Sees: sights("overrides", "other.conf contradicts the unit: ExecStart=/bin/false"),
		Want: steps(units, activate),
	},
	{
		Name:   "a drop-in that opens the socket",
		Faults: in(dropIn(socketPath, "open", `[Socket]\nSocketMode=0666\n`)),
		Sees:   sights("overrides", "open.conf contradicts the unit: SocketMode=0666"), Want: steps(units, activate),
	},
	{
		Name: "a drop-in that adds, and one that contradicts",
		Faults: in(dropIn(servicePath, "more", `[Service]\nEnvironment=RUST_LOG=debug\n`),
			dropIn(servicePath, "user", `[Service]\nUser=nobody\n`)),
		Sees: sights("overrides", "user.conf contradicts the unit: User=nobody", "drop-ins", "more.conf"),
		Want: steps(units, activate),
	},
	{
		// It was set on purpose, and does no harm: kept and shown.
		Name:   "a drop-in that adds",
		Faults: in(dropIn(servicePath, "more", `[Service]\nEnvironment=RUST_LOG=debug\n`)),
		Sees:   sights("drop-ins", "kept: "+servicePath+".d/more.conf"), Want: steps(),
	},
	{
		Name: "a reload is due",
		Faults: in("mkdir -p " + servicePath + ".d\nprintf '[Service]\\nEnvironment=RUST_LOG=info\\n' >" +
			servicePath + ".d/more.conf"),
		Sees: sights("units", "systemd has not read "+theService+" since it changed"), Want: steps(units, activate),
	},
}

// socketScenarios are damage to the socket.
var socketScenarios = []Scenario{
	{Name: "socket unit stopped", Faults: in("systemctl stop " + theSocket),
		Sees: sights("socket", theSocket+" is inactive"), Want: steps(activate)},
	{Name: "both units stopped", Faults: in("systemctl stop " + bothUnits),
		Sees: sights("socket", theSocket+" is inactive"), Want: steps(activate)},
	{Name: "socket open to all", Faults: in("chmod 0666 /run/substrate.sock"),
		Sees: sights("socket", "root:substrate, mode 0666; expected root:substrate, 0660"), Want: steps(activate)},
	{Name: "socket of another group", Faults: in("chgrp root /run/substrate.sock"),
		Sees: sights("socket", "root:root, mode 0660;"), Want: steps(activate)},
	{Name: "socket of another owner", Faults: in(`chown "$1" /run/substrate.sock`),
		Sees: sights("socket", "expected root:substrate, 0660"), Want: steps(activate)},
	{Name: "socket removed under its unit", Faults: in("rm -f /run/substrate.sock"),
		Sees: sights("socket", "/run/substrate.sock is missing"), Want: steps(activate)},
	{Name: "a file in the socket's place", Faults: in("rm -f /run/substrate.sock\nprintf 'x' >/run/substrate.sock"),
		Sees: sights("socket", "is a regular file, expected a socket"), Want: steps(activate)},
	{Name: "a directory in the socket's place", Faults: in("rm -f /run/substrate.sock\nmkdir /run/substrate.sock"),
		Sees: sights("socket", "is a directory, expected a socket"), Want: steps(activate)},
	{
		// systemd says that it listens, the file is right, and no process does: measured on a real VM.
		Name: "socket that systemd has lost",
		Faults: in("mv " + socketPath + " /root/unit" + reload + "\nmv /root/unit " + socketPath + reload +
			"\nsystemctl stop " + theService),
		Sees: sights("socket", "no process listens on /run/substrate.sock"), Want: steps(activate),
	},
	{
		Name: "a stranger's socket, dead",
		Faults: in("rm -f /run/substrate.sock\npython3 -c \"import socket; " +
			"socket.socket(socket.AF_UNIX).bind('/run/substrate.sock')\"\n" +
			"chgrp substrate /run/substrate.sock\nchmod 0660 /run/substrate.sock"),
		Sees: sights("socket", "no process listens on /run/substrate.sock"), Want: steps(activate),
	},
	{
		// Its socket is not ours to remove: the failure names it.
		Name: "a stranger's socket, listening", InTurn: true,
		Faults: []Fault{{
			Guest: "rm -f /run/substrate.sock\nsystemd-run --quiet --unit=stranger python3 -c \"import socket, time\n" +
				"s = socket.socket(socket.AF_UNIX)\ns.bind('/run/substrate.sock')\ns.listen()\ntime.sleep(600)\"\n" +
				"while ! test -S /run/substrate.sock; do sleep 0.2; done",
			Undo: "systemctl stop stranger.service",
		}},
		Sees: sights("socket", "/run/substrate.sock has owner root:root, mode 0755; expected root:substrate, 0660",
			"socket", "stranger.service listens at /run/substrate.sock"),
		Want: steps(), Kind: provision.KindUnhealthy, Says: []string{"systemctl stop stranger.service"},
	},
	{
		// systemd allows five starts in ten seconds.
		Name: "service started too often",
		Faults: []Fault{{
			Guest: oneStart(servicePath) + "\nsystemctl restart " + theService +
				"\nsystemctl restart " + theService + " || :",
			Undo: allStarts(servicePath),
		}},
		Sees: sights("socket", theSocket+" is failed", "service", theService+" has failed (start-limit-hit)"),
		Want: steps(activate), InTurn: true,
	},
	{
		Name: "socket unit started too often",
		Faults: []Fault{{
			Guest: oneStart(socketPath) + "\nsystemctl stop " + bothUnits + "\nsystemctl start " + theSocket +
				"\nsystemctl stop " + theSocket + "\nsystemctl start " + theSocket + " || :",
			Undo: allStarts(socketPath),
		}},
		Sees: sights("socket", theSocket+" is failed"), Want: steps(activate), InTurn: true,
	},
	{Name: "agent hangs", InTurn: true, Faults: in("systemctl kill -s STOP " + theService),
		Sees: sights("socket", "connected, and no answer came in time"), Want: steps(activate)},
	{
		Name: "agent frozen", Faults: in("systemctl freeze " + theService),
		Sees: sights("socket", "connected, and no answer came in time"),
		Want: steps(activate), InTurn: true,
	},
}

// oneStart allows a unit one start an hour, so that a second one is too often on the slowest machine.
func oneStart(unit string) string {
	return dropIn(unit, "limit", `[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=1\n`)
}

func allStarts(unit string) string { return "rm -r " + unit + ".d" + reload }

// accountScenarios are damage to the group, and to who is in it.
var accountScenarios = []Scenario{
	{Name: "membership removed on paper", Faults: in(`gpasswd -d "$1" substrate`),
		Sees: sights("group", "is not in the group substrate"), Want: steps(group)},
	{
		Name: "group deleted", Faults: in("groupdel substrate"),
		Sees: sights("group", "the group substrate does not exist", "session", "not in the group substrate"),
		Want: steps(group, connection), May: steps(directories, activate),
	},
	{
		Name: "group of another number", Faults: in("groupmod -g 1500 substrate"),
		Sees: sights("session", "not in the group substrate", "socket", "expected root:substrate, 0660"),
		Want: steps(connection, directories, activate),
	},
	{Name: "member on paper only", Faults: on(SessionWithoutGroup),
		Sees: sights("session", "not in the group substrate"), Want: steps(connection)},
	{Name: "linger off", Faults: in(`loginctl disable-linger "$1"`),
		Sees: sights("linger", "off for the user"), Want: steps(linger)},
}

// agentScenarios are damage to the agent.
var agentScenarios = []Scenario{
	{Name: "agent removed", Faults: in("rm -f " + agentPath), Sees: sights("agent", agentPath+" is missing"),
		Want: steps(agent, activate)},
	{Name: "agent truncated", Faults: in("truncate -s 0 " + agentPath), Sees: sights("agent", "differs from"),
		Want: steps(agent, activate)},
	{Name: "agent for another processor", Faults: in("printf '\\177ELF\\002\\001\\001\\n' >" + agentPath),
		Sees: sights("agent", "differs from"), Want: steps(agent, activate)},
	{Name: "agent not executable", Faults: in("chmod 0644 " + agentPath),
		Sees: sights("agent", "root:root, mode 0644; expected root:root, 0755"), Want: steps(agent, activate)},
	{Name: "agent of another owner", Faults: in(`chown "$1" ` + agentPath),
		Sees: sights("agent", "expected root:root, 0755"), Want: steps(agent, activate)},
	{Name: "a directory in the agent's place", Faults: in("rm -f " + agentPath + "\nmkdir " + agentPath),
		Sees: sights("agent", "is a directory, expected a regular file"), Want: steps(agent, activate)},
	{Name: "agent removed and service stopped", InTurn: true,
		Faults: in("rm -f " + agentPath + "\nsystemctl stop " + theService),
		Sees:   sights("agent", "is missing"), Want: steps(agent, activate)},
	{
		Name: "agent in a crash loop", InTurn: true,
		Faults: in("printf '#!/bin/sh\\nexit 1\\n' >" + agentPath + "\nsystemctl restart " + theService + ""),
		Sees:   sights("agent", "differs from", "service", theService+" has failed (exit-code)"),
		Want:   steps(agent, activate),
	},
	{
		Name: "another agent runs than is installed", InTurn: true,
		// systemctl doesn't wait for the program to be run, and on a fast guest the right one would be back before.
		Faults: in(otherAgentRuns + "\nuntil grep -q sleep \"/proc/$(systemctl show -P MainPID " + theService +
			")/cmdline\"; do sleep 0.1; done" +
			otherAgentMissing),
		Sees: sights("service", "the agent that runs is not the one that is installed"), Want: steps(activate),
	},
	{
		Name:   "agent answers 500",
		Faults: in(scriptedAgent("fails", `connection.sendall(b"HTTP/1.0 500 it fails\r\n\r\n")`)),
		Sees:   sights("agent", "differs from", "socket", "HTTP status 500"), Want: steps(agent, activate),
	},
	{
		Name:   "agent answers garbage",
		Faults: in(scriptedAgent("closes", `pass`)),
		Sees:   sights("agent", "differs from", "socket", "got no HTTP answer"), Want: steps(agent, activate),
	},
	// The next connection starts it: that is what its socket is for.
	{Name: "service stopped", Faults: in("systemctl stop " + theService), Want: steps()},
}

// otherAgentRuns has the service run another program than the agent, and otherAgentMissing installs the agent again.
const (
	otherAgentRuns = "mv " + agentPath +
		" /root/agent\nprintf '#!/bin/sh\\n# hangs\\nexec sleep 600\\n' >" + agentPath +
		"\nchmod 0755 " + agentPath + "\nsystemctl restart " + theService
	otherAgentMissing = "\nmv /root/agent " + agentPath
)

// scriptedAgent installs an agent of a few lines that does one thing with every connection.
func scriptedAgent(name, answer string) string {
	return "cat >" + agentPath + " <<'END'\n#!/usr/bin/python3\n# " + name +
		"\nimport socket\nlistener = socket.socket(fileno=3)\nwhile True:\n" +
		"    connection, _ = listener.accept()\n    connection.recv(4096)\n    " + answer +
		"\n    connection.close()\nEND\n" +
		"chmod 0755 " + agentPath + "\nsystemctl restart " + theService
}

// directoryScenarios are damage to directories.
var directoryScenarios = []Scenario{
	{Name: "runtime directory missing", Faults: in("rm -rf /run/substrate"),
		Sees: sights("service", "/run/substrate is missing"), Want: steps(activate)},
	{Name: "state directory missing", Faults: in("rm -rf /var/lib/substrate"),
		Sees: sights("directories", "/var/lib/substrate is missing"), Want: steps(directories)},
	{Name: "state directory open to all", Faults: in("chmod 0777 /var/lib/substrate"),
		Sees: sights("directories", "mode 0777; expected root:substrate, 0750"), Want: steps(directories)},
	{Name: "state directory of another group", Faults: in("chgrp root /var/lib/substrate"),
		Sees: sights("directories", "root:root, mode 0750;"), Want: steps(directories)},
	{Name: "user's directory missing", Faults: in(`rm -rf "$2/.substrate"`),
		Sees: sights("directories", "/.substrate is missing"), Want: steps(directories)},
	{Name: "user's directory of root", Faults: in(`chown root "$2/.substrate"`),
		Sees: sights("directories", "/.substrate has owner root:"), Want: steps(directories)},
	{Name: "a directory above the agent closed", Faults: in("chmod 0700 /usr/local/bin"),
		Sees: sights("parent-directories", "closed: /usr/local/bin"), Want: steps(directories)},
	{Name: "a directory above the state closed", Faults: in("chmod 0700 /var/lib"),
		Sees: sights("parent-directories", "closed: /var/lib"), Want: steps(directories)},
	{Name: "a directory above the socket closed", Faults: in("chmod 0700 /run"),
		Sees: sights("parent-directories", "closed: /run"), Want: steps(directories)},
}
