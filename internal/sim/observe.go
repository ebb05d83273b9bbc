package sim

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// needed are the commands that the agent needs.
var needed = []string{"nft", "ip", "conntrack", "dnsmasq", "fusermount3", "fuse-overlayfs", "curl", "jq"}

// observeNew is the script by its other name.
func (i *invocation) observeNew() int {
	ours := []string{
		guest.AgentPath, guest.ProgramsPath + "substrate-gateway", guest.ProgramsPath + "substrate",
		guest.SocketPath, guest.StatePath, guest.MarkerPath, i.user.home + guest.HomeStateSuffix,
	}
	for path := range i.files {
		unit := strings.HasPrefix(path, "/etc/systemd/system/substrate-world-agent.") || strings.HasPrefix(path, "/usr/lib/systemd/system/substrate-world-agent.")
		if unit || slices.Contains(ours, path) {
			return i.observe()
		}
	}
	i.print("worldsetup-observe 1")
	i.print("untouched=yes")
	i.observeAccount()
	i.mountPoints()
	i.print("end")
	return 0
}

func (i *invocation) observe() int {
	user := i.user
	i.print("worldsetup-observe 1")
	i.observeAccount()
	if !i.asks() {
		i.observeAsRoot()
	}
	i.print("sudo=%s", yes(!i.asks()))
	if i.asks() {
		i.print("sudo-says=sudo: a password is required")
	}
	i.observeFiles(user.home)
	for n, name := range []string{guest.ServiceName, guest.SocketUnitName} {
		if !i.reaches("/run/dbus/system_bus_socket", i.session) {
			break // systemctl cannot ask anybody
		}
		if n > 0 {
			i.print("unit.")
		}
		for _, property := range i.properties(name) {
			i.print("unit.%s", property)
		}
	}
	i.mountPoints()
	const size = 20 << 20 // KiB
	used := i.diskUsed()
	i.print("df=/dev/vda1 %d %d %d %d%% /", size, size*used/100, size*(100-used)/100, used)
	now := i.vm.world.options.Now().Add(time.Duration(i.vm.conditions.ClockAhead * float64(time.Second)))
	i.print("time=%d.%09d", now.Unix(), now.Nanosecond())
	i.print("end")
	return 0
}

// observeAccount is what every look at a guest shows.
func (i *invocation) observeAccount() {
	user := i.user
	i.print("user=%s", user.name)
	i.print("home=%s", user.home)
	i.print("session-groups=%s", i.names(i.session.gids))
	i.print("account-groups=%s", i.names(i.gids(user)))
	i.print("group=%s", i.groupCalled(socketGroup).entry())
	i.print("os=%s", i.image.OS)
	i.print("linger=%s", yes(i.is("/var/lib/systemd/linger/"+user.name, regular)))
	for _, command := range needed {
		if slices.Contains(i.lacks, command) {
			i.print("missing=%s", command)
		}
	}
}

// above are the directories on the way to our files.
var above = []string{"/", "/run", "/usr", "/usr/local", "/usr/local/bin", "/etc", "/etc/systemd", "/etc/systemd/system", "/var", "/var/lib"}

// observeAsRoot is the part that the script has root look at.
func (i *invocation) observeAsRoot() {
	i.print("root-fs=%s", map[bool]string{true: "ro", false: "rw"}[i.readOnly])
	for _, name := range []string{guest.ServiceName, guest.SocketUnitName} {
		for _, dir := range hiding {
			if i.files[dir+name] != nil {
				i.print("hides=%s", dir+name)
			}
		}
	}
	for _, name := range []string{guest.ServiceName, guest.SocketUnitName} {
		for _, path := range i.dropIns(name) {
			i.print("drop-in=%s|", path)
			for line := range strings.Lines(string(i.files[path].data)) {
				if strings.Contains(line, "=") {
					i.print("drop-in=%s|%s", path, strings.TrimSuffix(line, "\n"))
				}
			}
		}
	}
	if runs := i.runningAgent(); runs != "" {
		i.print("agent-runs=%s", runs)
	}
	i.print("listeners=seen")
	for _, f := range i.listening() {
		i.print("u_str LISTEN 0      4096   %s 15093 * 0 <-> ino:%d dev:0/25 peers:", guest.SocketPath, f.inode)
	}
}

// listening are the files, there or gone, at whose sockets somebody listens.
func (m *machine) listening() (files []*file) {
	socket, service := m.unit(guest.SocketUnitName), m.unit(guest.ServiceName)
	switch {
	case socket.listens != nil:
		files = append(files, socket.listens)
	case service.listens != nil:
		files = append(files, service.listens)
	}
	if m.stranger != nil {
		files = append(files, m.stranger)
	}
	return files
}

func (i *invocation) observeFiles(home string) {
	programs := []string{guest.AgentPath, guest.ProgramsPath + "substrate-gateway", guest.ProgramsPath + "substrate", guest.ServicePath, guest.SocketUnitPath}
	for _, path := range slices.Concat(programs, []string{guest.MarkerPath, guest.SocketPath, guest.StatePath, guest.RuntimePath, home + guest.HomeStateSuffix, home, home + "/.ssh", home + authorizedKeys}, above) {
		if f := i.files[path]; f != nil && i.reaches(path, i.session) {
			owner, group := i.owner(f)
			i.print("stat=%s|%o|%s|%s|%d|%d|%s", f.typeName(), f.mode, owner, group, len(f.data), f.inode, path)
		}
	}
	for _, path := range programs {
		if f := i.files[path]; f != nil && f.kind == regular && f.allows(i.session, 4) && i.reaches(path, i.session) {
			i.print("sha256=%s  %s", sum(f.data), path)
		}
	}
	if f := i.files[guest.MarkerPath]; f != nil && f.kind == regular && i.reaches(guest.MarkerPath, i.session) {
		// read(1) fails on a last line without an end.
		if line, _, whole := strings.Cut(string(f.data), "\n"); whole {
			i.print("marker=%s", line)
		}
	}
}

// observeMounts is the script by its other name.
func (i *invocation) observeMounts() int {
	i.print("worldsetup-observe 1")
	i.mountPoints()
	i.print("end")
	return 0
}

func (i *invocation) mountPoints() {
	for n, point := range i.args {
		i.observeMount(n, point)
	}
}

// observeMount lists what is mounted, from the host's own directory.
func (i *invocation) observeMount(n int, point string) {
	mount, found := i.mounts[point]
	if !found {
		i.print("mount=%d|", n)
		return
	}
	kind, access := mount.kind, "ro"
	if kind == limatype.REVSSHFS {
		kind = "fuse.sshfs"
	}
	if mount.writable {
		access = "rw"
	}
	i.print("mount=%d|%s %s,relatime", n, kind, access)
	if i.vm.stale && mount.kind == limatype.REVSSHFS {
		return // find hangs until timeout ends it
	}
	entries, _ := os.ReadDir(mount.location) // what cannot be read is not listed
	left := 64
	for _, entry := range entries {
		info, err := os.Lstat(filepath.Join(mount.location, entry.Name()))
		if err != nil || left == 0 || strings.Contains(entry.Name(), "\n") {
			continue
		}
		left--
		i.print("entry=%d|%s|%d|%d.%09d0|%s", n, letter(info.Mode()), info.Size(), info.ModTime().Unix(), info.ModTime().Nanosecond(), entry.Name())
	}
}

// letter is find(1)'s %y.
func letter(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return "f"
	case fs.ModeDir:
		return "d"
	case fs.ModeSymlink:
		return "l"
	case fs.ModeSocket:
		return "s"
	case fs.ModeNamedPipe:
		return "p"
	}
	return "U"
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
