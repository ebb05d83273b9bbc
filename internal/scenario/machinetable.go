package scenario

import (
	"github.com/atomize-hq/worldsetup/provision"
)

// machineScenarios are damage to the guest as a whole.
var machineScenarios = []Scenario{
	{Name: "marker missing", Faults: in("rm -f /etc/substrate-lima-layout"),
		Sees: sights("marker", "not marked as complete"), Want: steps(marker)},
	markedAs("marker of another scheme", "tcp-loopback-v0"),
	markedAs("marker of a newer scheme", "socket-parity-v9"),
	{Name: "a command missing", Faults: in("dpkg --remove --force-all jq"),
		Sees: sights("packages", "the guest lacks jq"), Want: steps(packages)},
	{
		// Lima's own agent in the guest sets it every some seconds: it is stopped for two minutes.
		Name: "clock off by an hour",
		Faults: in("systemctl stop lima-guestagent.service\nsystemd-run --quiet --on-active=120 systemctl start " +
			"lima-guestagent.service\ndate -s '+1 hour'"),
		Sees: sights("clock", "+3", "clock", "s from the host's"), Want: steps(clock),
		VMOnly: "a container has the clock of its host",
	},
	{
		Name:   "root file system read-only",
		Faults: in(readOnly),
		Sees:   sights("root-fs", "read-only"), Want: steps(writable),
		May:    steps(stop, start), // as the next one, if the guest has such a file open at that moment
		VMOnly: rootIsOverlay,
	},
	{
		// ext4 does not become writable again before a boot has dealt with them.
		Name: "root file system read-only, and a deleted file open",
		Faults: in("rm -f " + agentPath +
			"\nexec 3>/root/deleted\nrm /root/deleted\nsetsid sleep 1000000 >/dev/null 2>&1 </dev/null &\n" + readOnly),
		Sees: sights("root-fs", "read-only", "agent", "is missing"),
		Want: steps(writable, stop, start, agent, activate), Boots: true, VMOnly: rootIsOverlay,
	},
	{
		Name:   "disk full of fetched packages",
		Faults: in(fill("/var/cache/apt/archives/fill_1_all.deb")),
		Sees:   sights("disk", "100 % used, 0.0 GiB free"), Want: steps(room),
	},
	{
		Name: "disk full of the user's own",
		Faults: []Fault{{
			Guest: fill("/home/fill"), Undo: "rm -f /home/fill",
		}},
		Sees: sights("disk", "100 % used, 0.0 GiB free"), Want: steps(room), Kind: provision.KindUnhealthy,
	},
	{Name: "ssh key gone", Faults: in(`printf 'ssh-ed25519 AAAA another\n' >$2/.ssh/authorized_keys`),
		Sees: sights("ssh", "Permission denied"), Want: steps(entry)},
	{
		Name:   "ssh key gone, and no other way leads in",
		Faults: append(in(`printf 'ssh-ed25519 AAAA another\n' >$2/.ssh/authorized_keys`), on(ConnectionEnded)...),
		Sees:   sights("guest-access", "Permission denied"), Want: steps(stop, start), Boots: true,
	},
	{
		Name: "right to do without a password gone", Faults: in("rm -f /etc/sudoers.d/90-cloud-init-users"),
		Sees: sights("sudo", "asks for a password"), Want: steps(stop, start), Boots: true,
	},
	{Name: "home open to all", Faults: in(`chmod 0777 "$2"`),
		Sees: sights("ssh", "others can write"), Want: steps(entry)},
	{
		// Where the socket stays, the next connection starts the service.
		Name: "sshd stopped", InTurn: true,
		Faults: in("systemctl stop ssh.socket 2>/dev/null || :\nsystemctl stop ssh.service"),
		Sees:   sights("ssh", "no way into the guest over the fresh connection"), Want: steps(entry),
	},
}

// rootIsOverlay is why the root file system can't become read-only on the test bed.
const rootIsOverlay = "the test bed's root is an overlay, which can't be remounted"

func markedAs(name, text string) Scenario {
	return Scenario{
		Name: name, Faults: []Fault{{
			Guest: "printf '" + text + "\\n' >/etc/substrate-lima-layout",
			Undo:  `printf 'socket-parity-v1\n' >/etc/substrate-lima-layout`,
		}},
		Sees: sights("marker", text), Want: steps(), Kind: provision.KindReplacement,
		Disruption: provision.DisruptionReplace,
	}
}

// readOnly remounts as a kernel does in an emergency.
const readOnly = "sync\necho u >/proc/sysrq-trigger\nwhile test -w /etc; do sleep 0.2; done"

// fill leaves nothing of the disk to anybody but root.
func fill(path string) string {
	return `mkdir -p /var/cache/apt/archives
fallocate -l "$(df -Pk / | { read -r _; read -r _ _ _ free _; echo "$free"; })K" ` + path
}

// connectionScenarios are damage to Lima's connection and to the sockets and mounts that use it.
var connectionScenarios = []Scenario{
	{Name: "host socket closed", Faults: on(HostSocketClosed), Sees: sights("host-socket", "accepts no connection"),
		Want: steps(connection)},
	// Reverse-sshfs mounts end with it: hence the restart.
	{Name: "shared connection ended", Faults: on(ConnectionEnded), Sees: sights("mount-project",
		"nothing is mounted there", "host-socket", "accepts no connection"), Want: steps(stop, start), Boots: true},
	{Name: "mount lost", Faults: in("umount -l /src"), Sees: sights("mount-project", "nothing is mounted there"),
		Want: steps(stop, start), Boots: true},
	{
		Name: "mount empty", Faults: append(on(ProjectSettled), in("mount -t tmpfs none /src")...),
		Sees: sights("mount-project", "something else is mounted over it, of the type tmpfs"), Want: steps(stop,
			start), Boots: true,
	},
	{Name: "mount of another directory", Faults: append(on(ProjectSettled), in("mount --bind /usr /src")...),
		Sees: sights("mount-project", "something else is mounted over it"), Want: steps(stop, start), Boots: true},
}

// vmScenarios are damage to the VM.
var vmScenarios = []Scenario{
	{Name: "VM stopped", Faults: on(VMStopped), Sees: sights("instance", "stopped"), Want: steps(start), Boots: true},
	{Name: "VM without power", Faults: on(VMKilled), Sees: sights("instance", "stopped"),
		Want: steps(start), Boots: true},
	{Name: "VM broken", Faults: on(HostAgentKilled), Sees: sights("instance", "broken"), Want: steps(stop, start),
		Disruption: provision.DisruptionForce, Boots: true},
	{Name: "VM killed", Faults: on(VMProcessKilled), Sees: sights("instance", "stopped"),
		Want: steps(start), Boots: true},
	{
		Name: "VM hangs", Faults: on(VMProcessStopped), Sees: sights("guest-access", "no way into the guest"),
		Want: steps(stop, start), Disruption: provision.DisruptionForce, Boots: true,
	},
	{Name: "configuration stripped", Faults: on(VMStopped, ConfigStripped),
		Sees: sights("configuration", "is not forwarded to the host"), Want: steps(configure, start), Boots: true},
	{Name: "configuration edited", Faults: on(ConfigEdited), Sees: sights("configuration",
		"is not forwarded to the host"), Want: steps(stop, configure, start), Boots: true},
	{
		Name: "configuration unreadable", Faults: []Fault{{Host: ConfigGarbled, UndoHost: ConfigRepaired}},
		Sees: sights("configuration", "Lima cannot read it"),
		Want: steps(), Kind: provision.KindUnhealthy,
	},
	{
		Name: "disk image missing", Faults: []Fault{{Host: DiskTaken, UndoHost: DiskPutBack}},
		Sees: sights("disk-image", "its disk image is gone"),
		Want: steps(), Kind: provision.KindReplacement, Disruption: provision.DisruptionReplace, Boots: true,
	},
	{
		Name: "no VM", Faults: on(VMDeleted), Sees: sights("instance", "absent"),
		Want: steps(create, start, directories, units, agent, activate, marker),
		May:  steps(packages, group, linger), Boots: true,
	},
	{
		Name: "VM made by hand", Faults: []Fault{{Host: VMMadeByHand, UndoHost: VMDeleted}},
		Sees: sights("owner", "nothing shows that it is a world", "group", "does not exist"),
		Want: steps(), Kind: provision.KindUsage, Boots: true,
		Says: []string{"is not a world", "--adopt="},
	},
	{
		// It may belong to the broker, which only its inside shows.
		Name:   "VM made by hand, stopped, with consent",
		Faults: []Fault{{Host: VMMadeByHand, UndoHost: VMDeleted}, {Host: VMStopped}}, Options: Options{Adopt: true},
		Sees: sights("owner", "nothing shows that it is a world", "instance", "stopped"),
		Want: steps(), Kind: provision.KindUsage, Boots: true,
		Says: []string{"it is unknown whose it is", "limactl start"}, NotSays: []string{"--adopt"},
	},
	{
		Name: "VM made by hand, and adopted", Faults: on(VMMadeByHand), Options: Options{Adopt: true},
		Sees: sights("configuration", "no boot script gives the user the agent's group", "group", "does not exist"),
		Want: steps(adopt, group, stop, configure, start, directories, units, agent, activate, marker),
		May:  steps(packages, linger), Boots: true,
	},
}

// togetherScenarios are several faults at once.
var togetherScenarios = []Scenario{
	{
		Name:   "two at once",
		Faults: append(in("rm -f "+agentPath), on(HostSocketClosed)...),
		Sees:   sights("agent", "is missing", "host-socket", "accepts no connection"),
		Want:   steps(connection, agent, activate),
	},
	{
		Name: "several at once",
		Faults: in(
			"rm -f "+agentPath+" /etc/substrate-lima-layout", "systemctl disable "+theSocket,
			`loginctl disable-linger "$1"`, `rm -rf "$2/.substrate"`, "chmod 0666 /run/substrate.sock",
		),
		Sees: sights("agent", "is missing", "marker", "not marked", "units", "is disabled", "linger", "off",
			"directories", "is missing", "socket", "666"),
		Want: steps(directories, units, linger, agent, activate, marker),
	},
	{
		Name:   "VM stopped and damaged",
		Faults: append(in("rm -f "+agentPath+" /etc/substrate-lima-layout"), Fault{Host: VMStopped}),
		Sees:   sights("instance", "stopped"), Want: steps(start, agent, activate, marker), Boots: true,
	},
	{
		Name:   "mount lost and damaged",
		Faults: in("umount -l /src", "rm -f "+agentPath, "chmod 0666 /run/substrate.sock"),
		Sees:   sights("mount-project", "nothing is mounted there", "agent", "is missing"),
		Want:   steps(stop, start, agent, activate), Boots: true,
	},
	{
		Name: "mount lost, and home open to all", Faults: in("umount -l /src", `chmod 0777 "$2"`),
		Sees: sights("mount-project", "nothing is mounted there", "ssh", "others can write"),
		Want: steps(entry, stop, start), Boots: true,
	},
}
