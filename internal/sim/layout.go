package sim

import (
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

func (i *invocation) group() int {
	user := i.account(i.args[0])
	i.addGroup(socketGroup)
	if user == nil {
		return i.fail(6, "usermod: user '%s' does not exist", i.args[0])
	}
	i.addMember(socketGroup, user.name)
	return 0
}

// packageOf names the package that each command comes in.
var packageOf = map[string]string{
	"nft": "nftables", "ip": "iproute2", "conntrack": "conntrack", "dnsmasq": "dnsmasq-base", "fusermount3": "fuse3",
	"fuse-overlayfs": "fuse-overlayfs", "curl": "curl", "jq": "jq",
}

func (i *invocation) packages() int {
	if i.image.NoApt {
		return i.fail(1, "this guest has no apt-get; install by hand: %s", strings.Join(i.args, " "))
	}
	if i.vm.conditions.Offline {
		i.fail(0, "W: Failed to fetch http://archive.ubuntu.com/ubuntu/dists/noble/InRelease  Temporary failure resolving 'archive.ubuntu.com'")
		return i.fail(100, "E: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?")
	}
	if i.full("apt-get") {
		return 100
	}
	for _, name := range i.args {
		command := ""
		for known, its := range packageOf {
			if its == name {
				command = known
			}
		}
		if command == "" {
			return i.fail(100, "E: Unable to locate package %s", name)
		}
		i.lacks = slices.DeleteFunc(i.lacks, func(missing string) bool { return missing == command })
	}
	return 0
}

func (i *invocation) directories() int {
	name, home := i.args[0], i.args[1]
	for _, closed := range i.args[2:] {
		i.files[closed].mode |= 0o555
	}
	if len(i.args) > 2 {
		return 0
	}
	user := i.account(name)
	if user == nil {
		return i.fail(1, "id: '%s': no such user", name)
	}
	g := i.groupCalled(socketGroup)
	if g == nil {
		return i.fail(1, "install: invalid group: '%s'", socketGroup)
	}
	if !i.installDirectory(guest.StatePath, file{mode: 0o750, gid: g.gid}) ||
		!i.installDirectory(home+guest.HomeStateSuffix, file{mode: 0o755, uid: user.uid, gid: user.uid}) {
		return 1
	}
	return 0
}

// installDirectory makes a directory, or puts its owner and mode right.
func (i *invocation) installDirectory(path string, want file) bool {
	switch f := i.files[path]; {
	case f == nil:
		want.kind = directory
		i.put(path, want)
	case f.kind != directory:
		i.fail(0, "install: cannot create directory '%s': File exists", path)
		return false
	default:
		f.mode, f.uid, f.gid = want.mode, want.uid, want.gid
	}
	return true
}

const previousAgent = "/usr/local/bin/.substrate-world-agent.previous"

func (i *invocation) agent() int {
	want, content := i.args[0], i.stdin
	if len(i.args) > 1 { // what the guest has built
		f, err := i.find(i.args[1])
		if err != nil {
			return i.fail(1, "sh: cannot open %v", err)
		}
		content = f.data
		defer i.remove(i.args[2])
	}
	if i.full("cat") {
		return 1
	}
	if sum(content) != want {
		return i.fail(1, "the agent arrived damaged: its checksum is not the one of the file that was sent")
	}
	old := i.files[guest.AgentPath]
	if old != nil && old.kind == directory {
		i.setAside(guest.AgentPath)
	}
	if old != nil && old.kind == regular && sum(old.data) != want {
		i.files[previousAgent] = old
	}
	i.put(guest.AgentPath, file{kind: regular, mode: 0o755, data: content})
	return 0
}

func (i *invocation) passenger() int {
	name, want := i.args[0], i.args[1]
	if i.full("cat") {
		return 1
	}
	if sum(i.stdin) != want {
		return i.fail(1, "%s arrived damaged: its checksum is not the one of the file that was sent", name)
	}
	path := guest.ProgramsPath + name
	if i.is(path, directory) {
		i.setAside(path)
	}
	i.put(path, file{kind: regular, mode: 0o755, data: i.stdin})
	return 0
}

func (i *invocation) installUnits() int {
	for n, path := range []string{guest.ServicePath, guest.SocketUnitPath} {
		if i.full("sh") {
			return 1
		}
		i.put(path, file{kind: regular, mode: 0o644, data: []byte(i.args[n+1])})
	}
	for _, path := range i.args[3:] {
		i.setAside(path)
	}
	i.enabled[guest.ServiceName], i.enabled[guest.SocketUnitName] = true, true
	if i.args[0] != "no" {
		i.daemonReload()
	}
	return 0
}

func (i *invocation) enableLinger() int {
	if i.vm.conditions.NoLinger {
		return i.fail(1, "Could not enable linger: Access denied")
	}
	i.linger(i.args[0], true)
	return 0
}

func (i *invocation) marker() int {
	for _, point := range i.args[1:] {
		if _, found := i.mounts[point]; !found {
			return i.fail(1, "nothing is mounted at %s", point)
		}
	}
	if i.full("printf") {
		return 1
	}
	i.put(guest.MarkerPath, file{kind: regular, mode: 0o644, data: []byte(i.args[0] + "\n")})
	i.print("%s", i.args[0])
	return 0
}
