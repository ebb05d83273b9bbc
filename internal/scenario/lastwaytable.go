package scenario

import "github.com/atomize-hq/worldsetup/provision"

// lastWayScenarios are guests that refuse new sessions, or root, while Lima's shared connection is still open: it may
// be the last way in, and a restart would end it.
//
// The rules are: what keeps only Lima's key out is repaired over the open connection. What a restart would not change
// is reported with its cause, and nothing is restarted for it.
var lastWayScenarios = []Scenario{
	// PAM refuses such an account, to sshd and to sudo.
	reportedAccess("account expired", `usermod -e 1 "$1"`, `usermod -e "" "$1"`, "sudo", "ccount validation failure"),
	notOn(sudoRS, repairedAccess("password expired", `chage -d 0 "$1"`, `chage -d 20000 "$1"`,
		steps(entry), "ssh", "has expired")),
	// sudo-rs does nothing for such an account, so that only a boot can renew it.
	onRig(sudoRS, reportedAccess("password expired, and sudo-rs", `chage -d 0 "$1"`, `chage -d 20000 "$1"`,
		"sudo", "token manipulation", "probably expired", "chage -E -1 -d -1")),
	repairedAccess("logins closed by /etc/nologin", "echo Closed. >/etc/nologin", "rm -f /etc/nologin*",
		steps(entry), "ssh", "/etc/nologin"),
	// sudo-rs has no such setting.
	notOn(sudoRS, reportedAccess("sudo wants a terminal", "echo Defaults requiretty >/etc/sudoers.d/fault",
		"rm /etc/sudoers.d/fault", "sudo", "tty", "requiretty")),
	reportedAccess("rules of sudo open to all", "chmod 0666 /etc/sudoers", "chmod 0440 /etc/sudoers", "sudo", "world"),
	reportedAccess("sudo without its mode", "chmod u-s /usr/bin/sudo", "chmod u+s /usr/bin/sudo",
		"sudo", "setuid", "chmod 4755 /usr/bin/sudo"),
	reportedAccess("a rule of sudo open to all", "chmod 0666 /etc/sudoers.d/*", "chmod 0440 /etc/sudoers.d/*",
		"sudo", "writable", "chmod -R go-w"),
	harmlessAccess("rules of sudo with an error", "echo 'Defaults nonsense = (' >/etc/sudoers.d/fault",
		"rm /etc/sudoers.d/fault"),
	{
		Name: "firewall drops new connections",
		Faults: []Fault{{
			Guest: "nft add table inet fault\nnft 'add chain inet fault in { type filter hook input priority 0; }'\n" +
				"nft add rule inet fault in tcp dport 22 ct state new drop",
			Undo: "nft delete table inet fault",
		}},
		// What forwards the port takes the connection, and it depends on that how the client sees the rest fail.
		Sees: sights("ssh", "is refused"), Want: steps(entry), Kind: provision.KindUnhealthy,
		Says: []string{"don't stop the VM"}, InTurn: true,
	},
	{
		Name:   "mount lost, and login shell nologin",
		Faults: in("usermod -s /usr/sbin/nologin \"$1\"\numount -l /src"),
		Sees:   sights("mount-project", "nothing is mounted there", "ssh", "nologin"),
		Want:   steps(entry, stop, start), Boots: true, InTurn: true,
	},
}

// sudoRS is the guest whose sudo is sudo-rs, not Todd Miller's.
const sudoRS = "sid-ubuntu"

// onRig and notOn make a row for one guest, and for all others.
func onRig(guest string, row Scenario) Scenario {
	row.On = []string{guest}
	return row
}

func notOn(guest string, row Scenario) Scenario {
	row.NotOn = []string{guest}
	return row
}
