package fake

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/staging"
)

// userHome is the home directory of the guest's user.
const userHome = "/home/" + userName + ".guest"

// machine is a guest. What is not under /run, and not what systemd and the kernel know, survives without power.
type machine struct {
	vm     *VM
	layout layout.Layout            // of the installed units
	copied map[string]staging.Entry // of the project, by path

	group   bool // the socket's group is there
	member  bool // and the user in it
	sudo    bool // without a password
	key     bool // Lima's is accepted
	linger  bool
	enabled bool // both units
	files   map[string]*file
	version int // of the last file written
	lacks   []string

	sshd    bool // ssh answers
	mounts  []limatype.Mount
	socket  *file    // at which systemd listens
	service *service // that runs
	failed  bool     // the service's last start
}

// file is a file in the guest. Without an owner it is root's; without a kind it is a regular file, and without a mode
// one that only its owner writes.
type file struct {
	kind         string // in stat(1)'s words
	mode         uint32
	owner, group string
	data         []byte
	version      int // unique
}

// service is a running agent.
type service struct {
	routes map[string]string
	agent  *file // that it was started from
}

// session is a connection of the user's: whether the group is in force is decided when it is made.
type session struct{ member bool }

func newMachine(vm *VM) *machine {
	lacks := slices.Clone(vm.world.options.Missing)
	return &machine{vm: vm, layout: layout.All[0], lacks: lacks, files: map[string]*file{}}
}

// powerOn boots: Lima's boot script comes first, then cloud-init's user with its rights, then what systemd starts by
// itself.
func (m *machine) powerOn(config *limatype.LimaYAML) {
	if hasBootGroup(config) && !m.vm.conditions.BootScriptFails {
		m.group, m.member = true, true
	}
	m.key, m.sudo = true, true // at every boot, since Lima gives each another instance id
	if m.enabled && m.installed() && m.group {
		m.listen()
		m.run()
	}
}

// hasBootGroup reports whether the world's own boot script is in a configuration.
func hasBootGroup(config *limatype.LimaYAML) bool {
	want := strings.TrimSpace(expand(embed.BootGroup(), ""))
	return slices.ContainsFunc(config.Provision, func(p limatype.Provision) bool {
		return p.Mode == limatype.ProvisionModeBoot && p.Script != nil && strings.TrimSpace(*p.Script) == want
	})
}

// powerOff clears the state that is only in memory.
func (m *machine) powerOff() {
	m.sshd, m.mounts, m.socket, m.service, m.failed = false, nil, nil, nil, false
	for path := range m.files {
		if strings.HasPrefix(path, "/run/") {
			delete(m.files, path)
		}
	}
}

// put writes the file at path, and replaces what is there.
func (m *machine) put(path string, f file) *file {
	m.version++
	f.version = m.version
	f.kind, f.mode = cmp.Or(f.kind, "regular file"), cmp.Or(f.mode, 0o644)
	f.owner, f.group = cmp.Or(f.owner, "root"), cmp.Or(f.group, "root")
	m.files[path] = &f
	return &f
}

func (m *machine) installed() bool {
	return m.files[m.layout.ServicePath()] != nil && m.files[m.layout.SocketPath()] != nil
}

// listen has systemd listen at the agent's socket.
func (m *machine) listen() {
	m.socket = m.put(guest.SocketPath, file{kind: "socket", mode: 0o660, group: guest.GroupName})
}

// run starts the installed agent.
func (m *machine) run() {
	m.service, m.failed = nil, true
	agent := m.files[m.layout.Agent()]
	if agent == nil {
		return
	}
	if routes := routes(agent.data); routes != nil {
		m.service, m.failed = &service{routes, agent}, false
		for _, path := range append(m.layout.RuntimePaths(), guest.RuntimePath) {
			m.put(path, file{kind: "directory", mode: 0o750, group: guest.GroupName})
		}
	}
}

// Exit statuses of curl.
const (
	curlRefused = 7
	curlTimeout = 28
)

// ask connects to the agent's socket, as root or as a user who is a member of the group or not, and returns what curl
// would have found. That starts an agent that does not run.
func (m *machine) ask(root, member bool, path string) guest.Answer {
	f := m.files[guest.SocketPath]
	allowed := f != nil && (root || f.mode&0o002 != 0 || member && f.mode&0o020 != 0)
	if !allowed || f != m.socket {
		return guest.Answer{Exit: curlRefused}
	}
	if m.service == nil {
		m.run()
	}
	if m.service == nil {
		return guest.Answer{Exit: curlTimeout} // in the queue, until the service comes up
	}
	status, body := respond(m.layout, m.service.routes, path)
	return guest.Answer{Status: status, Body: body}
}

const capabilities = "/v1/capabilities"

// units returns what systemd reports of both units of a layout.
func (m *machine) units(of layout.Layout) map[string]guest.Unit {
	socket := guest.Unit{Load: "not-found", Active: "inactive", Sub: "dead", Result: "success"}
	service := socket
	for path, unit := range map[string]*guest.Unit{of.ServicePath(): &service, of.SocketPath(): &socket} {
		if m.files[path] == nil {
			continue
		}
		unit.Load, unit.FragmentPath, unit.FileState = "loaded", path, "disabled"
		if m.enabled {
			unit.FileState = "enabled"
		}
	}
	if m.socket != nil && of.Unit == m.layout.Unit {
		socket.Active, socket.Sub = "active", "listening"
	}
	switch {
	case of.Unit != m.layout.Unit:
	case m.service != nil:
		service.Active, service.Sub = "active", "running"
	case m.failed:
		service.Active, service.Sub, service.Result = "failed", "failed", "exit-code"
	}
	return map[string]guest.Unit{of.Service(): service, of.Socket(): socket}
}

// observe returns what the guest is, to a session that looks for the names of a layout.
func (m *machine) observe(as session, of layout.Layout, points []string) *guest.Observation {
	groups := func(member bool) []string {
		if member && m.group {
			return []string{userName, guest.GroupName}
		}
		return []string{userName}
	}
	o := &guest.Observation{
		Layout: of, User: userName, Home: userHome, SessionGroups: groups(as.member), AccountGroups: groups(m.member),
		Sudo: m.allowsSudo(), Files: map[string]guest.File{}, Units: m.units(of), Linger: m.linger,
		Missing: slices.Clone(m.lacks), Listening: map[uint64]bool{}, Mounts: m.observeMounts(points),
		DiskUsed: 9, DiskAvailable: 20 << 30, ClockAhead: m.vm.conditions.ClockAhead,
	}
	if unit := m.vm.conditions.Broker; unit != "" {
		o.Broker = map[string][]string{unit: layout.BrokerVariables}
	}
	if m.vm.conditions.Pinned {
		o.Pins, o.Resolver = map[string][]string{"/etc/dnsmasq.d/substrate.conf": {"1.1.1.1", "1.0.0.1"}}, "off"
	}
	if !o.Sudo {
		o.SudoOutput = "sudo: a password is required"
	}
	if m.group {
		o.Group = &guest.Group{GID: 998}
		if m.member {
			o.Group.Members = []string{userName}
			if other := m.vm.conditions.Intruder; other != "" {
				o.Group.Members = append(o.Group.Members, other)
			}
		}
	}
	for path, f := range m.files {
		o.Files[path] = guest.File{
			Type: f.kind, Mode: fmt.Sprintf("%o", f.mode), Owner: f.owner, Group: f.group,
			Size: int64(len(f.data)), Inode: uint64(f.version), SHA256: sum(f.data),
		}
	}
	if marker := m.files[guest.MarkerPath]; marker != nil {
		o.Marker = strings.TrimSuffix(string(marker.data), "\n")
	}
	if m.socket != nil {
		o.Listening[uint64(m.socket.version)] = true
	}
	if m.service != nil {
		if o.Runs = guest.RunsOther; m.service.agent == m.files[of.Agent()] {
			o.Runs = guest.RunsInstalled
		}
	}
	return o
}

// mount returns the mount at point.
func (m *machine) mount(point string) (mount limatype.Mount, ok bool) {
	i := slices.IndexFunc(m.mounts, func(mount limatype.Mount) bool { return *mount.MountPoint == point })
	if i < 0 {
		return mount, false
	}
	return m.mounts[i], true
}

func (m *machine) observeMounts(points []string) []guest.Mount {
	mounts := make([]guest.Mount, len(points))
	for i, point := range points {
		mount, ok := m.mount(point)
		if !ok {
			continue
		}
		mounts[i] = guest.Mount{FSType: "fuse.sshfs", ReadOnly: !*mount.Writable}
		entries, _ := os.ReadDir(mount.Location) // what cannot be read is not listed
		for _, entry := range entries[:min(len(entries), 64)] {
			info, err := entry.Info()
			if err != nil {
				continue
			}
			letter := byte('f')
			if info.IsDir() {
				letter = 'd'
			}
			mounts[i].Entries = append(mounts[i].Entries, guest.Entry{
				Name: entry.Name(), Type: letter, Size: info.Size(), ModTime: info.ModTime(),
			})
		}
	}
	return mounts
}

func (m *machine) allowsSudo() bool { return m.sudo && !m.vm.conditions.NoSudo }

func sum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}
