package scenario

import (
	"github.com/atomize-hq/worldsetup/provision"
)

// bound lays a mount with other options over a directory, after the damage.
func bound(path, option, damage string) []Fault {
	return []Fault{{
		Guest: damage + "\nmount --bind " + path + " " + path + "\nmount -o remount,bind," + option + " " + path,
		Undo:  "umount -l " + path,
	}}
}

// inodesOfRun lets /run have as many files as it has, and some more.
func inodesOfRun(more string) string {
	return "mount -o remount,nr_inodes=$(($(df --output=iused /run | tail -n 1) " + more + ")) /run"
}

// fileSystemScenarios are other file systems mounted in the guest, some of them full or read-only.
var fileSystemScenarios = inTurn(
	Scenario{
		Name: "temporary files for root only", Faults: []Fault{{Guest: "chmod 0755 /tmp", Undo: "chmod 1777 /tmp"}},
		Want: steps(),
	},
	Scenario{
		// The suite's own home is mounted below, and has to stay.
		Name: "no programs among temporary files, and the agent gone",
		Faults: []Fault{{
			Guest: "mount --rbind /tmp /tmp\nmount -o remount,bind,noexec /tmp\nrm " + agentPath,
			Undo:  "umount -l /tmp",
		}},
		Sees: sights("agent", agentPath+" is missing"), Want: steps(agent, activate),
	},
	Scenario{
		// Directories and sockets take no room there: the repair works, and what fills it is for the user to remove.
		Name: "no room for runtime files, and the agent's directory gone",
		Faults: []Fault{{
			Guest: "rm -rf /run/substrate\n" +
				"mount -o remount,size=$(df -k --output=used /run | tail -n 1 | tr -d ' ')k /run\n" +
				"head -c 1000000 /dev/zero >/run/fill 2>/dev/null || :",
			Undo: "rm -f /run/fill\nmount -o remount,size=20% /run",
		}},
		Sees: sights("service", "/run/substrate is missing", "disk", "/run"), Want: steps(activate),
	},
	Scenario{
		Name: "few inodes for runtime files, and the agent's directory gone",
		Faults: []Fault{{
			Guest: "rm -rf /run/substrate\n" + inodesOfRun("+ 12"), Undo: "mount -o remount,nr_inodes=800000 /run",
		}},
		Sees: sights("service", "/run/substrate is missing", "disk", "/run"), Want: steps(activate),
	},
	Scenario{
		// Something takes each that becomes free.
		Name: "no inodes for runtime files, and the agent's directory gone",
		Faults: []Fault{{
			Guest: "rm -rf /run/substrate\nmkdir /run/fill\n" + inodesOfRun("+ 8") + "\n" +
				"systemd-run --quiet --unit=filler python3 -c \"import time\ni = 0\nwhile True:\n    try:\n" +
				"        open('/run/fill/%d' % i, 'x').close()\n        i += 1\n" +
				"    except OSError:\n        time.sleep(0.001)\"\n" +
				"while [ $(df --output=iavail /run | tail -n 1) -gt 0 ]; do sleep 0.1; done",
			Undo: "systemctl kill -s KILL filler.service\nmount -o remount,nr_inodes=800000 /run\nrm -r /run/fill",
		}},
		Sees: sights("service", "/run/substrate is missing", "disk", "/run"), Want: steps(activate),
		Kind: provision.KindProvisioning, Says: []string{"room for no more files", "du --inodes -x /run"},
	},
	Scenario{
		Name:   "the agent's directory a mount of another mode",
		Faults: []Fault{{Guest: "mount -t tmpfs none /run/substrate", Undo: "umount -l /run/substrate"}},
		Sees:   sights("service", "/run/substrate has owner root:root, mode 01777"), Want: steps(activate),
	},
	Scenario{
		Name: "the state directory a mount of its own", Want: steps(),
		Faults: []Fault{{
			Guest: "mount -t tmpfs -o mode=0750,gid=$(getent group substrate | cut -d: -f3) none " + statePath,
			Undo:  "umount -l " + statePath,
		}},
	},
	Scenario{
		Name: "the state directory mounted read-only", Faults: bound(statePath, "ro", ""),
		Sees: sights("directories", "read-only"), Want: steps(), Kind: provision.KindUnhealthy,
		Says: []string{statePath, "read-only"},
	},
	Scenario{
		Name:   "the agent's directory mounted read-only, and the agent not executable",
		Faults: bound("/usr/local/bin", "ro", "chmod 0644 "+agentPath),
		Sees:   sights("agent", "root:root, mode 0644;"), Want: steps(agent), Disruption: provision.DisruptionUnit,
		Kind: provision.KindProvisioning,
		Says: []string{"/usr/local/bin", "ead-only"}, NotSays: []string{rerunOnly},
	},
	Scenario{
		Name:   "the units' directory mounted read-only, and a unit edited",
		Faults: bound("/etc/systemd/system", "ro", "printf '# edited\\n' >>"+servicePath),
		Sees:   sights("units", "has the wrong content"), Want: steps(units),
		Disruption: provision.DisruptionUnit,
		Kind:       provision.KindProvisioning,
		Says:       []string{"/etc/systemd/system", "ead-only"}, NotSays: []string{rerunOnly},
	},
	Scenario{
		Name:   "programs forbidden where the agent lies",
		Faults: bound("/usr/local/bin", "noexec", "systemctl stop "+theService),
		Sees:   sights("agent", "noexec"), Want: steps(), May: steps(activate), Kind: provision.KindUnhealthy,
		Says:    []string{"/usr/local/bin", "noexec"},
		NotSays: []string{"--agent FILE"},
	},
)

// agentThat installs an agent of a few lines that does one thing with every connection, each by itself.
func agentThat(answer string) []Fault {
	return in("cat >" + agentPath + " <<'END'\n#!/usr/bin/python3\nimport socket, threading, time\n" +
		"GOOD = b'{\"version\":\"v1\",\"features\":[\"probe\"],\"backend\":\"world-agent\",\"platform\":\"linux\"}'\n" +
		"def serve(c):\n    c.recv(4096)\n    " + answer + "\n    c.close()\nlistener = socket.socket(fileno=3)\n" +
		"while True:\n" +
		"    threading.Thread(target=serve, args=(listener.accept()[0],)).start()\nEND\n" +
		"chmod 0755 " + agentPath + "\nsystemctl restart " + theService)
}

// processScenarios are faults of agents and their clients. Without a named agent, the installed one is used.
var processScenarios = inTurn(
	Scenario{
		Name: "an agent that was killed three times", Sees: sights("restarts", "3"), Want: steps(),
		Faults: in("systemctl restart " + theService + "\nfor _ in 1 2 3; do\nold=$(systemctl show -P MainPID " +
			theService + ")\nkill -9 $old\n" +
			"while new=$(systemctl show -P MainPID " + theService +
			"); [ $new = 0 ] || [ $new = $old ]; do sleep 0.2; done\ndone"),
	},
	Scenario{
		Name: "an agent that answers slowly", Options: Options{Agent: AgentNone}, Want: steps(),
		Faults: agentThat(`time.sleep(2); c.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + GOOD)`),
	},
	Scenario{
		Name: "an agent that answers in chunks", Options: Options{Agent: AgentNone}, Want: steps(),
		Faults: agentThat(`c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + ` +
			`b"".join(b"1\r\n%c\r\n" % byte for byte in GOOD) + b"0\r\n\r\n")`),
	},
	Scenario{
		Name: "an agent that says much", Options: Options{Agent: AgentNone}, Want: steps(),
		Faults: agentThat(`c.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + GOOD.replace(b"probe", b"a" * 100000))`),
	},
	Scenario{
		Name: "an agent that answers nonsense", Options: Options{Agent: AgentNone},
		Faults: agentThat(`c.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")`),
		Sees:   sights("socket", "root asked the agent"), Want: steps(activate), Kind: provision.KindProvisioning,
		Says: []string{"hello", agentPath, "--agent FILE"},
	},
	Scenario{
		Name: "an agent of something else", Options: Options{Agent: AgentNone},
		Faults: agentThat(`c.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + GOOD.replace(b"world-agent", b"web-server"))`),
		Sees:   sights("socket", "web-server"), Want: steps(activate), Kind: provision.KindProvisioning,
		Says: []string{"web-server", agentPath, "--agent FILE"},
	},
	Scenario{
		Name: "fifty clients while the socket is repaired",
		Faults: []Fault{{
			Guest: "systemd-run --quiet --unit=clients python3 -c \"import socket, time\nheld = []\nwhile True:\n" +
				"    s = socket.socket(socket.AF_UNIX)\n" +
				"    try:\n        s.connect('/run/substrate.sock')\n    except OSError:\n        pass\n" +
				"    held = held[-49:] + [s]\n    time.sleep(0.02)\"\n" +
				"while ! [ $(ss -xH src /run/substrate.sock | wc -l) -gt 40 ]; do sleep 0.1; done\n" +
				"chmod 0666 /run/substrate.sock",
			Undo: "systemctl stop clients.service",
		}},
		Sees: sights("socket", "root:substrate, mode 0666"), Want: steps(activate),
	},
)

// networkScenarios are changes to the guest's host names and network, none of which a world needs.
var networkScenarios = inTurn(
	Scenario{
		Name: "a host name without an address", Want: steps(),
		Faults: []Fault{{
			Guest: "cp -p /etc/hosts /root/hosts\ncp -p /etc/nsswitch.conf /root/nsswitch.conf\n: >/etc/hosts\n" +
				"sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf\nhostname unheard-of",
			Undo: "cat /root/hosts >/etc/hosts\ncat /root/nsswitch.conf >/etc/nsswitch.conf\n" +
				"hostname \"$(cat /etc/hostname)\"",
		}},
	},
	Scenario{
		Name: "no name servers", Want: steps(),
		Faults: []Fault{{
			Guest: "mv /etc/resolv.conf /etc/resolv.before", Undo: "mv /etc/resolv.before /etc/resolv.conf",
		}},
	},
	Scenario{
		Name: "no loopback address, and the socket open",
		Faults: []Fault{{
			Guest: "ip address del 127.0.0.1/8 dev lo\nchmod 0666 /run/substrate.sock",
			Undo:  "ip address add 127.0.0.1/8 dev lo",
		}},
		Sees: sights("socket", "root:substrate, mode 0666"), Want: steps(activate),
	},
)

// hostScenarios are damage to Lima's side.
var hostScenarios = inTurn(
	Scenario{
		// As after a night's sleep: no connection is left. Reverse-sshfs mounts end with it, hence the restart.
		Name: "guest slept", Faults: on(GuestSlept),
		Sees: sights("mount-project", "nothing is mounted there", "host-socket", "accepts no connection"),
		Want: steps(stop, start), Boots: true,
	},
	Scenario{
		Name: "shared connection hangs", Faults: []Fault{{Host: SSHStopped, UndoHost: SSHContinued}},
		// Its sockets on the host still accept: the system does that for any listener.
		Sees: sights("session", "the connection is dead", "mount-project", "no answer"),
		Want: steps(stop, start), Boots: true,
	},
	Scenario{
		// Lima answers no more, while all that it has set up goes on.
		Name: "host agent hangs", Faults: []Fault{{Host: HostAgentStopped, UndoHost: HostAgentContinued}},
		Sees: sights("instance", "broken"), Want: steps(stop, start),
		Disruption: provision.DisruptionForce, Boots: true,
	},
	Scenario{
		Name: "mount hangs", Faults: []Fault{{Host: MountStopped, UndoHost: MountContinued}},
		Sees: sights("mount-project", "no answer"), Want: steps(stop, start), Boots: true,
	},
	Scenario{
		// It is empty, as the project would be for a moment after a change.
		Name: "the guest's end of the mounts killed", Faults: in("stat /src/ >&2; pkill -KILL -x sshfs"),
		Sees: sights("mount-project", "dead"), Want: steps(stop, start), Boots: true,
	},
	Scenario{
		Name: "something else mounted over the project", Faults: in("mount -t tmpfs none /src"),
		Sees: sights("mount-project", "tmpfs"), Want: steps(stop, start), Boots: true,
	},
	// The next `limactl shell` makes another one, and what is forwarded goes on.
	Scenario{Name: "control socket of Lima's connection removed", Faults: on(SSHSocketRemoved), Want: steps()},
	Scenario{
		Name: "control socket of the host agent removed", Faults: on(HostAgentSocketRemoved),
		Sees: sights("instance", "broken"), Want: steps(stop, start),
		Disruption: provision.DisruptionForce, Boots: true,
	},
	Scenario{
		Name: "a file in the place of the host's socket", Faults: on(HostSocketReplaced),
		Sees: sights("host-socket", "accepts no connection"), Want: steps(connection),
	},
	Scenario{
		Name: "the host's socket open to all", Faults: on(HostSocketOpened),
		Sees: sights("host-socket", "mode 0666"), Want: steps(hostSocket),
	},
	Scenario{
		Name: "Lima's key readable by others", Faults: []Fault{{Host: KeyOpened, UndoHost: KeyClosed}},
		Sees: sights("ssh", "_config/user"), Want: steps(), Kind: provision.KindUnhealthy,
		Says: []string{"chmod 600", "_config/user"},
	},
	Scenario{
		Name: "a configuration with what Lima doesn't know, changed", Options: Options{CPUs: 3},
		Faults: []Fault{{Host: ConfigExtended, UndoHost: ConfigStillExtended}}, Want: steps(stop, configure, start),
		Boots: true,
	},
)
