package scenario

import "github.com/atomize-hq/worldsetup/provision"

const (
	markerPath = "/etc/substrate-lima-layout"
	statePath  = "/var/lib/substrate"
	// rerunOnly is advice that doesn't fit where a rerun ends in the same way.
	rerunOnly = "it carries on from here"
)

// inTurn marks rows as ones that are played on one kind of guest after another.
func inTurn(rows ...Scenario) []Scenario {
	for i := range rows {
		rows[i].InTurn = true
	}
	return rows
}

// attribute gives a file an attribute that stops even root from changing it, after the damage.
func attribute(damage, letter, path string) []Fault {
	return []Fault{{Guest: damage + "\nchattr +" + letter + " " + path, Undo: "chattr -" + letter + " " + path}}
}

// fileScenarios are files and directories with the right name and unusual types, links, attributes or access rights.
var fileScenarios = inTurn(
	// The user set the attribute, so it stays; the failure names it, with the command that removes it.
	Scenario{
		Name: "immutable unit file, edited", Faults: attribute("printf '# edited\\n' >>"+servicePath, "i", servicePath),
		Sees: sights("units", "has the wrong content"), Want: steps(units), Disruption: provision.DisruptionUnit,
		Kind: provision.KindProvisioning,
		Says: []string{"immutable", "chattr -i " + servicePath}, NotSays: []string{rerunOnly},
	},
	Scenario{
		Name: "append-only unit file, of another mode", Faults: attribute("chmod 0600 "+socketPath, "a", socketPath),
		Sees: sights("units", "root:root, mode 0600;"), Want: steps(units), Disruption: provision.DisruptionUnit,
		Kind: provision.KindProvisioning,
		Says: []string{"append-only", "chattr -a " + socketPath}, NotSays: []string{rerunOnly},
	},
	Scenario{
		Name: "immutable agent, not executable", Faults: attribute("chmod 0644 "+agentPath, "i", agentPath),
		Sees: sights("agent", "root:root, mode 0644;"), Want: steps(agent), Disruption: provision.DisruptionUnit,
		Kind: provision.KindProvisioning,
		Says: []string{"immutable", "chattr -i " + agentPath}, NotSays: []string{rerunOnly},
	},
	Scenario{
		Name: "immutable marker, empty", Faults: attribute(": >"+markerPath, "i", markerPath),
		Sees: sights("marker", "not marked as complete"), Want: steps(marker), Kind: provision.KindProvisioning,
		Says: []string{"immutable", "chattr -i " + markerPath}, NotSays: []string{rerunOnly},
	},
	Scenario{
		Name: "immutable state directory, open to all", Faults: attribute("chmod 0777 "+statePath, "i", statePath),
		Sees: sights("directories", "mode 0777;"), Want: steps(directories), Kind: provision.KindProvisioning,
		Says: []string{"immutable", "chattr -i " + statePath}, NotSays: []string{rerunOnly},
	},
	Scenario{
		Name: "immutable list of groups, without ours", Faults: []Fault{{
			Guest: "cp -a /etc/group /etc/group.before\ngroupdel substrate\nchattr +i /etc/group",
			Undo:  "chattr -i /etc/group",
		}},
		Sees: sights("group", "does not exist"), Want: steps(group), Disruption: provision.DisruptionConnection,
		May: steps(directories), Kind: provision.KindProvisioning,
		Says: []string{"immutable", "chattr -i /etc/group"}, NotSays: []string{rerunOnly},
	},
	Scenario{
		Name:   "immutable directory of the agent, which is gone",
		Faults: attribute("rm "+agentPath, "i", "/usr/local/bin"),
		Sees:   sights("agent", "is missing"), Want: steps(agent), Disruption: provision.DisruptionUnit,
		Kind: provision.KindProvisioning,
		Says: []string{"immutable", "chattr -i /usr/local/bin"}, NotSays: []string{rerunOnly},
	},
	Scenario{Name: "immutable unit file, unchanged", Faults: attribute("", "i", servicePath), Want: steps()},

	Scenario{
		Name:   "a link in the service unit's place",
		Faults: in("mv " + servicePath + " /root/unit\nln -s /root/unit " + servicePath + reload),
		Sees:   sights("units", servicePath+" is a symbolic link"), Want: steps(units, activate),
	},
	Scenario{
		Name: "a dangling link in the socket unit's place", Faults: in("ln -sf /nowhere " + socketPath),
		Sees: sights("units", socketPath+" is a symbolic link"), Want: steps(units, activate),
	},
	Scenario{
		Name:   "a link in the agent's place",
		Faults: in(`mv ` + agentPath + ` "$2/agent"` + "\n" + `ln -s "$2/agent" ` + agentPath),
		Sees:   sights("agent", agentPath+" is a symbolic link"), Want: steps(agent, activate),
	},
	Scenario{
		Name: "a dangling link in the agent's place", Faults: in("ln -sf /nowhere " + agentPath),
		Sees: sights("agent", agentPath+" is a symbolic link"), Want: steps(agent, activate),
	},
	Scenario{
		Name:   "a link in the state directory's place",
		Faults: in("mv " + statePath + " /srv/state\nln -s /srv/state " + statePath),
		Sees:   sights("directories", statePath+" is a symbolic link"), Want: steps(directories), May: steps(activate),
	},
	Scenario{
		Name:   "a dangling link in the state directory's place",
		Faults: in("rmdir " + statePath + "\nln -s /nowhere " + statePath),
		Sees:   sights("directories", statePath+" is a symbolic link"), Want: steps(directories), May: steps(activate),
	},
	// Root must never change the owner of what a link of the user's leads to.
	Scenario{
		Name: "the user's directory is a link to a system one", Faults: []Fault{{
			Guest: `rm -rf "$2/.substrate"` + "\nmkdir -p /srv/system\n" + `ln -s /srv/system "$2/.substrate"`,
			Undo:  `test "$(stat -c %U /srv/system)" = root` + "\nrmdir /srv/system",
		}},
		Sees: sights("directories", "/.substrate is a symbolic link"), Want: steps(directories), May: steps(activate),
	},
	Scenario{
		Name:   "the user's directory is a dangling link",
		Faults: in(`rm -rf "$2/.substrate"` + "\n" + `ln -s /nowhere "$2/.substrate"`),
		Sees:   sights("directories", "/.substrate is a symbolic link"), Want: steps(directories), May: steps(activate),
	},
	// They are owned by root as the files are: no one else can write to them.
	Scenario{
		Name: "hard links to the unit and the agent", Faults: []Fault{{
			Guest: "ln " + servicePath + " /etc/systemd/unit-link\nln " + agentPath + " /usr/local/agent-link",
			Undo:  "rm /etc/systemd/unit-link /usr/local/agent-link",
		}},
		Want: steps(),
	},

	Scenario{
		Name:   "marker a link",
		Faults: in("mv " + markerPath + " /root/marker\nchmod 0755 /root\nln -s /root/marker " + markerPath),
		Sees:   sights("marker", "symbolic link"), Want: steps(marker),
	},
	Scenario{
		Name: "marker empty", Faults: in(": >" + markerPath), Sees: sights("marker", "not marked as complete"),
		Want: steps(marker),
	},
	Scenario{
		Name: "marker for root only", Faults: in("chmod 0600 " + markerPath),
		Sees: sights("marker", "not marked as complete"),
		Want: steps(marker),
	},
	Scenario{
		Name: "marker with a second line", Faults: in("printf 'something\\n' >>" + markerPath),
		Sees: sights("marker", "more than one line"), Want: steps(marker),
	},
	// It says the same thing as before: no reason to replace a VM.
	Scenario{
		Name: "marker with a carriage return", Faults: in("printf 'socket-parity-v1\\r\\n' >" + markerPath),
		Sees: sights("marker", "socket-parity-v1"), Want: steps(marker),
	},
	Scenario{
		Name: "marker of a megabyte", Faults: in("head -c 1000000 /dev/zero | tr '\\0' a >" + markerPath),
		Sees: sights("marker", "more than a name"), Want: steps(marker),
	},
	// A reader of a pipe waits.
	Scenario{
		Name: "a pipe in the agent's place", Faults: in("rm " + agentPath + "\nmkfifo " + agentPath),
		Sees: sights("agent", "fifo"), Want: steps(agent, activate),
	},
	Scenario{
		Name:   "a file mounted over the agent",
		Faults: []Fault{{Guest: "mount --bind /bin/true " + agentPath, Undo: "umount " + agentPath}},
		Sees:   sights("agent", "differs from"), Want: steps(agent), Disruption: provision.DisruptionUnit,
		Kind: provision.KindProvisioning,
		Says: []string{"mounted over", "umount " + agentPath}, NotSays: []string{rerunOnly},
	},
	Scenario{
		Name: "a directory in the marker's place", Faults: in("rm " + markerPath + "\nmkdir " + markerPath),
		Sees: sights("marker", "directory"), Want: steps(marker),
	},
	// The mv of uutils fails there, in spite of --backup=numbered.
	Scenario{
		Name: "a link where a directory in the agent's place is backed up", On: []string{"sid-ubuntu"},
		Faults: []Fault{{
			Guest: "rm " + agentPath + "\nmkdir " + agentPath + "\nln -s /nowhere " + agentPath + ".displaced",
			Undo:  "test -L " + agentPath + ".displaced\nrm " + agentPath + ".displaced\nrmdir " + agentPath + ".displaced.1",
		}},
		Sees: sights("agent", "is a directory"), Want: steps(agent, activate),
	},

	Scenario{
		Name:   "socket with an access list",
		Faults: in("setfacl -m u:games:rw /run/substrate.sock\ntest \"$(stat -c %a /run/substrate.sock)\" = 660"),
		Sees:   sights("socket", "games"), Want: steps(activate),
	},
	Scenario{
		Name:   "state directory with an access list",
		Faults: in("setfacl -m u:games:rx " + statePath + "\ntest \"$(stat -c %a " + statePath + ")\" = 750"),
		Sees:   sights("directories", "games"), Want: steps(directories),
	},
	Scenario{
		Name: "state directory with a default access list", Faults: in("setfacl -d -m u:games:rwx " + statePath),
		Sees: sights("directories", "games"), Want: steps(directories),
	},
	Scenario{
		Name:   "runtime directory with access lists",
		Faults: in("setfacl -m u:games:rx /run/substrate\nsetfacl -d -m u:games:rwx /run/substrate"),
		Sees:   sights("service", "games"), Want: steps(activate),
	},
	Scenario{
		Name: "agent and unit with access lists", Faults: in("setfacl -m u:games:rwx " + agentPath + " " + servicePath),
		Sees: sights("agent", agentPath+" has owner root:root, mode 0775", "units",
			servicePath+" has owner root:root, mode 0674"),
		Want: steps(units, agent, activate),
	},
	Scenario{
		Name: "a directory above the agent with an access list", Faults: in("setfacl -m u:games:rwx /usr/local/bin"),
		Sees: sights("parent-directories", "/usr/local/bin"), Want: steps(directories),
	},

	writableAbove("the agent", "/usr/local/bin", "chmod 0777 /usr/local/bin"),
	writableAbove("the units", "/etc/systemd/system", "chmod 0777 /etc/systemd/system"),
	writableAbove("the socket", "/run", "chmod 0777 /run"),
	// sudo-rs refuses everyone when all users can write to /etc.
	writableAbove("the marker", "/etc", "chmod 0775 /etc"),
	writableAbove("the state", "/var/lib", "chmod 0777 /var/lib"),
	Scenario{
		Name: "a directory above the agent is the user's", Faults: in(`chown "$1" /usr/local`),
		Sees: sights("parent-directories", "others can change /usr/local"), Want: steps(directories),
	},
	// What others put there can't be removed or renamed by them: but they could take a missing file's name first.
	Scenario{
		Name: "a directory above the agent sticky and writable by all", Faults: in("chmod 1777 /usr/local/bin"),
		Sees: sights("parent-directories", "/usr/local/bin"), Want: steps(directories),
	},
)

// writableAbove is a directory above ours to which others can write, so that they could replace ours.
func writableAbove(what, path, script string) Scenario {
	return Scenario{
		Name: "a directory above " + what + " writable by others", Faults: in(script),
		Sees: sights("parent-directories", path), Want: steps(directories),
	}
}
