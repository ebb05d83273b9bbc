package fake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// Image is what new guests are made from. The zero value is a fresh Ubuntu 24.04 cloud image.
type Image struct {
	// Missing are the commands that the agent needs and the image lacks; nil means those that Ubuntu's lacks.
	Missing []string
	// NoApt: the image has no apt-get.
	NoApt bool
	// Cargo is the version of the cargo and rustc that the image has, and OfferedCargo of those that apt-get would
	// install, as in "1.75"; empty for none.
	Cargo, OfferedCargo string
}

// diskUsed is how full a new guest's disk is, in percent.
const diskUsed = 9

// machine is a guest. What is not under /run, and not what systemd and the kernel know, survives without power.
type machine struct {
	vm *VM

	user, home string // that Lima made; empty before the first boot
	group      bool   // the socket's group is there
	member     bool   // and the user in it
	sudo       bool   // without a password
	key        bool   // Lima's is accepted
	linger     bool
	enabled    bool // both units
	files      map[string]*file
	version    int // of the last file written
	lacks      []string
	cargo      string // its version; empty for none

	sshd    bool // ssh answers
	mounts  map[string]mounted
	socket  *file    // at which systemd listens
	service *service // that runs
	failed  bool     // the service's last start
}

// file is a file in the guest.
type file struct {
	kind         string // in stat(1)'s words
	mode         uint32
	owner, group string
	data         []byte
	version      int // unique
}

// service is a running agent.
type service struct {
	program Program
	agent   *file // that it was started from
}

// mounted is a directory of the host that the guest shows.
type mounted struct {
	location, kind string
	writable       bool
}

// session is a connection of the user's: whether the group is in force is decided when it is made.
type session struct{ member bool }

func newMachine(vm *VM) *machine {
	image := vm.world.options.Image
	return &machine{
		vm: vm, lacks: slices.Clone(image.Missing), cargo: image.Cargo,
		files: map[string]*file{}, mounts: map[string]mounted{},
	}
}

// powerOn boots: Lima's boot script comes first, then cloud-init's user with its rights, then what systemd starts by
// itself.
func (m *machine) powerOn(config *limatype.LimaYAML) {
	if hasBootGroup(config) && !m.vm.conditions.BootScriptFails {
		m.group, m.member = true, true
	}
	m.user, m.home = *config.User.Name, *config.User.Home
	m.key, m.sudo = true, true // at every boot, since Lima gives each another instance id
	if m.enabled && m.installed() && m.group {
		m.listen()
		m.run()
	}
}

// hasBootGroup says whether the world's own boot script is in a configuration.
func hasBootGroup(config *limatype.LimaYAML) bool {
	_, want, _ := strings.Cut(embed.BootGroup(), "{{.User}}")
	return slices.ContainsFunc(config.Provision, func(p limatype.Provision) bool {
		return p.Mode == limatype.ProvisionModeBoot && p.Script != nil &&
			strings.Contains(*p.Script, strings.TrimSpace(want)[1:])
	})
}

// powerOff forgets what is only in memory.
func (m *machine) powerOff() {
	m.sshd, m.socket, m.service, m.failed = false, nil, nil, false
	m.mounts = map[string]mounted{}
	for path := range m.files {
		if strings.HasPrefix(path, "/run/") {
			delete(m.files, path)
		}
	}
}

// put writes the file at path, in the place of what is there.
func (m *machine) put(path string, f file) *file {
	m.version++
	f.version = m.version
	m.files[path] = &f
	return &f
}

func (m *machine) installed() bool {
	return m.files[guest.ServicePath] != nil && m.files[guest.SocketUnitPath] != nil
}

// listen has systemd listen at the agent's socket.
func (m *machine) listen() {
	m.socket = m.put(guest.SocketPath, file{kind: "socket", mode: 0o660, owner: "root", group: guest.GroupName})
}

// run starts the installed agent.
func (m *machine) run() {
	m.service, m.failed = nil, true
	agent := m.files[guest.AgentPath]
	if agent == nil {
		return
	}
	if program := m.vm.world.options.Program(agent.data); program.Starts {
		m.service, m.failed = &service{program, agent}, false
		m.put(guest.RuntimePath, file{kind: "directory", mode: 0o750, owner: "root", group: guest.GroupName})
	}
}

// The kinds of reply to a connection.
const (
	refuses = iota // it cannot be made
	hangs          // it is made, and nothing comes
	answers        // it is made to a program
)

// dial connects to the agent's socket, as root or as a user who is a member of the group or not. It starts an agent
// that does not run.
func (m *machine) dial(root, member bool) (kind int, program Program) {
	f := m.files[guest.SocketPath]
	allowed := f != nil && (root || f.mode&0o002 != 0 || member && f.mode&0o020 != 0)
	if !allowed || f != m.socket {
		return refuses, Program{}
	}
	if m.service == nil {
		m.run()
	}
	if m.service == nil {
		return hangs, Program{} // in the queue, until the service comes up
	}
	return answers, m.service.program
}

// ask returns what curl would have found.
func (m *machine) ask(root, member bool) guest.Answer {
	kind, program := m.dial(root, member)
	switch {
	case slices.Contains(m.lacks, "curl"):
		return guest.Answer{Exit: 127}
	case kind == refuses:
		return guest.Answer{Exit: 7}
	case kind == hangs, program.Hangs:
		return guest.Answer{Exit: 28}
	case program.Closes:
		return guest.Answer{Exit: 52}
	}
	status, body := program.respond(http.MethodGet, "/v1/capabilities")
	return guest.Answer{Status: status, Body: body}
}

// runs says what the service runs, in the words of an observation.
func (m *machine) runs() string {
	switch {
	case m.service == nil:
		return ""
	case m.service.agent == m.files[guest.AgentPath]:
		return guest.RunsInstalled
	}
	return guest.RunsOther
}

// units returns what systemd says of both units.
func (m *machine) units() map[string]guest.Unit {
	socket := guest.Unit{Load: "not-found", Active: "inactive", Sub: "dead", Result: "success"}
	service := socket
	for path, unit := range map[string]*guest.Unit{guest.ServicePath: &service, guest.SocketUnitPath: &socket} {
		if m.files[path] == nil {
			continue
		}
		unit.Load, unit.FragmentPath, unit.FileState = "loaded", path, "disabled"
		if m.enabled {
			unit.FileState = "enabled"
		}
	}
	if m.socket != nil {
		socket.Active, socket.Sub = "active", "listening"
	}
	switch {
	case m.service != nil:
		service.Active, service.Sub = "active", "running"
	case m.failed:
		service.Active, service.Sub, service.Result = "failed", "failed", "exit-code"
	}
	return map[string]guest.Unit{guest.ServiceName: service, guest.SocketUnitName: socket}
}

// observe returns what the guest is, to a session.
func (m *machine) observe(as session, points []string) *guest.Observation {
	groups := func(member bool) []string {
		if member && m.group {
			return []string{m.user, guest.GroupName}
		}
		return []string{m.user}
	}
	o := &guest.Observation{
		User: m.user, Home: m.home, SessionGroups: groups(as.member), AccountGroups: groups(m.member),
		Sudo: m.allowsSudo(), OS: "ubuntu 24.04", Files: map[string]guest.File{}, Units: m.units(), Linger: m.linger,
		Missing: slices.Clone(m.lacks), Runs: m.runs(), Listening: map[uint64]bool{},
		DiskUsed: m.diskUsed(), DiskAvailable: int64(100-m.diskUsed()) << 28,
		ClockAhead: m.vm.clockAhead(),
	}
	if !o.Sudo {
		o.SudoSays = "sudo: a password is required"
	}
	if m.group {
		o.Group = &guest.Group{GID: 998}
		if m.member {
			o.Group.Members = []string{m.user}
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
	o.Mounts = m.observeMounts(points)
	return o
}

// untouched says that nothing of ours is there.
func (m *machine) untouched() bool {
	for path := range m.files {
		if path == guest.AgentPath || strings.Contains(path, guest.ServiceName) ||
			strings.Contains(path, guest.SocketUnitName) {
			return false
		}
	}
	return m.files[guest.MarkerPath] == nil && m.files[guest.StatePath] == nil
}

func (m *machine) observeMounts(points []string) []guest.Mount {
	mounts := make([]guest.Mount, len(points))
	for i, point := range points {
		mount, ok := m.mounts[point]
		if !ok {
			continue
		}
		mounts[i] = guest.Mount{FSType: mount.kind, ReadOnly: !mount.writable}
		if mount.kind == limatype.REVSSHFS {
			mounts[i].FSType = "fuse.sshfs"
		}
		entries, _ := os.ReadDir(mount.location) // what cannot be read is not listed
		for _, entry := range entries[:min(len(entries), 64)] {
			if info, err := entry.Info(); err == nil {
				letter := byte('f')
				if info.IsDir() {
					letter = 'd'
				} else if !info.Mode().IsRegular() {
					letter = 'U'
				}
				mounts[i].Entries = append(mounts[i].Entries, guest.Entry{
					Name: entry.Name(), Type: letter, Size: info.Size(), ModTime: info.ModTime(),
				})
			}
		}
	}
	return mounts
}

func (m *machine) allowsSudo() bool { return m.sudo && !m.vm.conditions.NoSudo }

func (m *machine) diskUsed() int {
	if m.vm.conditions.DiskUsed != 0 {
		return m.vm.conditions.DiskUsed
	}
	return diskUsed
}

func sum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}

// fingerprint is the state of the guest as lines of text, for comparing.
func (m *machine) fingerprint() (lines []string) {
	for path, f := range m.files {
		lines = append(lines, fmt.Sprintf("file %s %s %o %s:%s version %d %s", path, f.kind, f.mode, f.owner, f.group,
			f.version, sum(f.data)))
	}
	lines = append(lines,
		fmt.Sprint("group ", m.group, m.member), fmt.Sprint("linger ", m.linger), fmt.Sprint("enabled ", m.enabled),
		fmt.Sprint("mounts ", m.mounts), fmt.Sprint("lacks ", m.lacks), fmt.Sprint("runs ", m.service != nil, m.failed),
	)
	slices.Sort(lines)
	return lines
}
