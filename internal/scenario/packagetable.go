package scenario

import "github.com/atomize-hq/worldsetup/provision"

// withoutJQ is a guest that lacks a command.
const withoutJQ = "dpkg --remove --force-all jq"

// hold has another program hold a lock of the package manager's for some seconds.
func hold(lock, seconds string) Fault {
	return Fault{
		Guest: withoutJQ + "\nrm -f /run/held\nsystemd-run --quiet --unit=holder python3 -c \"import fcntl, time\n" +
			"f = open('" + lock + "', 'w')\nfcntl.lockf(f, fcntl.LOCK_EX)\nopen('/run/held', 'w').close()\n" +
			"time.sleep(" + seconds + ")\"\n" +
			"while ! test -e /run/held; do sleep 0.1; done",
		Undo: "systemctl stop holder.service || :\nrm /run/held",
	}
}

// broken puts a program that only fails before the system's own in PATH. Undo removes it.
func broken(command, damage string) []Fault {
	path := "/usr/local/bin/" + command
	return []Fault{{Guest: damage + "\nprintf '#!/bin/sh\\nexit 1\\n' >" + path + "\nchmod 0755 " + path, Undo: "rm " +
		path}}
}

// packageScenarios are damage to packages, to the package manager, and to the programs that repairs are made with.
var packageScenarios = inTurn(
	Scenario{
		Name: "dpkg's lock held for a while", Faults: []Fault{hold("/var/lib/dpkg/lock-frontend", "10")},
		Sees: sights("packages", "the guest lacks jq"), Want: steps(packages),
	},
	Scenario{
		Name: "apt's lock held for a while", Faults: []Fault{hold("/var/lib/apt/lists/lock", "10")},
		Sees: sights("packages", "the guest lacks jq"), Want: steps(packages),
	},
	Scenario{
		Name: "apt's lock held for good", Faults: []Fault{hold("/var/lib/apt/lists/lock", "1000")},
		Sees: sights("packages", "the guest lacks jq"), Want: steps(packages), Kind: provision.KindProvisioning,
		Says: []string{"/var/lib/apt/lists/lock", "python3"}, NotSays: []string{"mirrors"}, Slow: true,
	},
	Scenario{
		Name:   "dpkg interrupted",
		Faults: in(withoutJQ + "\nsed -n '/^Package: curl$/,/^$/p' /var/lib/dpkg/status >/var/lib/dpkg/updates/0001"),
		Sees:   sights("packages", "the guest lacks jq"), Want: steps(packages),
	},
	Scenario{
		Name: "a package half configured",
		Faults: in(withoutJQ + "\n" +
			"sed -i '/^Package: curl$/,/^$/s/^Status: .*/Status: install ok half-configured/' /var/lib/dpkg/status"),
		Sees: sights("packages", "the guest lacks jq"), Want: steps(packages),
	},
	Scenario{
		Name: "the file of an installed package gone", Faults: in("mv /usr/bin/jq /root/jq"),
		Sees: sights("packages", "the guest lacks jq"),
		Want: steps(packages),
	},
	Scenario{
		Name:   "the files of two installed packages gone",
		Faults: in("mv $(readlink -f $(command -v nft)) /root/nft\nmv /usr/bin/curl /root/curl"),
		Sees:   sights("packages", "the guest lacks nft, curl"),
		Want:   steps(packages),
	},
	Scenario{
		Name: "a package source out of reach", Sees: sights("packages", "the guest lacks jq"), Want: steps(packages),
		Faults: []Fault{{
			Guest: withoutJQ + "\necho 'deb http://192.0.2.1/debian stable main' >/etc/apt/sources.list.d/other.list",
			Undo:  "rm /etc/apt/sources.list.d/other.list",
		}},
	},
	Scenario{
		Name: "a package source that is gone", Sees: sights("packages", "the guest lacks jq"), Want: steps(packages),
		Faults: []Fault{{
			Guest: withoutJQ + "\necho 'deb file:/nowhere stable main' >/etc/apt/sources.list.d/other.list",
			Undo:  "rm /etc/apt/sources.list.d/other.list",
		}},
	},
	Scenario{
		Name: "no package source left",
		Faults: []Fault{{
			Guest: withoutJQ + "\nmv /etc/apt/sources.list.d /etc/apt/sources.before\nmkdir /etc/apt/sources.list.d\n" +
				"rm -rf /var/lib/apt/lists /var/cache/apt/*.bin",
			Undo: "rmdir /etc/apt/sources.list.d\nmv /etc/apt/sources.before /etc/apt/sources.list.d",
		}},
		Sees: sights("packages", "the guest lacks jq"), Want: steps(packages), Kind: provision.KindProvisioning,
		Says: []string{"jq", "apt-get update"},
	},
	Scenario{
		Name: "apt gone, and a command missing",
		Faults: []Fault{{
			Guest: withoutJQ + "\nmv /usr/bin/apt-get /root/apt-get", Undo: "mv /root/apt-get /usr/bin/apt-get",
		}},
		Sees: sights("packages", "the guest lacks jq"), Want: steps(packages), Kind: provision.KindProvisioning,
		Says: []string{"no apt-get", "install by hand: jq"}, NotSays: []string{"sudo apt-get update"},
	},
	Scenario{
		// The built-in agent needs it. There is no package to get it from here.
		Name: "python3 gone",
		Faults: []Fault{{
			Guest: "mv /usr/bin/python3 /root/python3\nsystemctl restart " + theService + " || :",
			Undo:  "mv /root/python3 /usr/bin/python3",
		}},
		Sees: sights("packages", "python3"), Want: steps(packages), Disruption: provision.DisruptionUnit,
		Kind: provision.KindProvisioning, Says: []string{"python3", "apt-get"},
	},
	Scenario{
		// It is there, and fails: the service is started again and again.
		Name: "python3 broken",
		Faults: []Fault{{
			Guest: "mv /usr/bin/python3 /root/python3\nprintf '#!/bin/sh\\necho no luck >&2\\nexit 1\\n' >/usr/bin/python3\n" +
				"chmod 755 /usr/bin/python3\nsystemctl restart " + theService,
			Undo: "mv /root/python3 /usr/bin/python3",
		}},
		Sees: sights("packages", "no luck"), Want: steps(packages), Disruption: provision.DisruptionUnit,
		Kind: provision.KindProvisioning, Says: []string{"python3", "apt-get"},
	},
	Scenario{Name: "a broken jq before the system's", Faults: broken("jq", ""), Want: steps()},
	Scenario{
		Name: "a broken curl before the system's", Faults: broken("curl", ""), Want: steps(),
	},
	Scenario{
		Name: "a broken stat before the system's", Faults: broken("stat", ""), Want: steps(),
	},
	Scenario{
		Name:   "a broken systemctl before the system's, and the socket open",
		Faults: broken("systemctl", "chmod 0666 /run/substrate.sock"),
		Sees:   sights("socket", "root:substrate, mode 0666"), Want: steps(activate),
	},
	Scenario{
		Name:   "a broken install before the system's, and the state directory gone",
		Faults: broken("install", "rm -rf "+statePath),
		Sees:   sights("directories", statePath+" is missing"), Want: steps(directories),
	},
)
