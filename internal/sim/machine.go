package sim

import (
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/embed"
)

// Image is what new guests are made from. The zero value is a fresh Ubuntu 24.04 cloud image.
type Image struct {
	OS string // ID and VERSION_ID of os-release(5)
	// UID is the number of the user that Lima makes.
	UID int
	// Missing are the commands that the agent needs and the image lacks; nil means those that Ubuntu's lacks.
	Missing []string
	// NoApt: the image has no apt-get.
	NoApt bool
	// Cargo is the version of the cargo and rustc that the image has, and OfferedCargo of those that apt-get would install, as
	// in "1.75"; empty for none.
	Cargo, OfferedCargo string
	// MountTypes are those that the kernel can mount; nil means all. What it cannot is silently not mounted.
	MountTypes []string
	// DiskUsed is how full the root file system is, in percent.
	DiskUsed int
}

func (i Image) withDefaults() Image {
	if i.OS == "" {
		i.OS = "ubuntu 24.04"
	}
	if i.UID == 0 {
		i.UID = 1000
	}
	if i.Missing == nil {
		i.Missing = []string{"conntrack", "dnsmasq", "fuse-overlayfs", "jq"}
	}
	if i.MountTypes == nil {
		i.MountTypes = []string{limatype.REVSSHFS, limatype.NINEP, limatype.VIRTIOFS}
	}
	if i.DiskUsed == 0 {
		i.DiskUsed = 9
	}
	return i
}

// machine is a guest. What is not under /run, and not what systemd and the kernel know, survives without power.
type machine struct {
	vm    *VM
	image Image

	users   []*account
	groups  []*group
	user    *account // the one that Lima made; nil before the first boot
	files   map[string]*file
	version int // of the last file written
	lacks   []string
	cargo   string          // its version; empty for none
	enabled map[string]bool // units, by name
	program func([]byte) Program

	sshd        bool            // ssh answers
	readOnly    bool            // the root file system
	openDeleted bool            // some program has a deleted file open
	stranger    *file           // a socket at which somebody else listens, and never answers
	kept        map[string]bool // processes of the user's, by name
	units       map[string]*unit
	mounts      map[string]mounted
	journal     []string
}

// mounted is a directory of the host that the guest shows.
type mounted struct {
	location, kind string
	writable       bool
}

func newMachine(vm *VM) *machine {
	image := vm.world.options.Image
	m := &machine{
		vm: vm, image: image, program: vm.world.options.Program, lacks: slices.Clone(image.Missing), cargo: image.Cargo,
		files: map[string]*file{}, enabled: map[string]bool{}, units: map[string]*unit{}, mounts: map[string]mounted{},
	}
	m.populate()
	return m
}

// powerOn boots: Lima's boot script comes first, then cloud-init's user with its rights, then what systemd starts by itself.
func (m *machine) powerOn(config *limatype.LimaYAML) {
	name := bootGroupUser(config)
	if name != "" && !m.vm.conditions.BootScriptFails {
		m.addGroup(socketGroup)
		m.addMember(socketGroup, name)
	}
	if m.user == nil {
		m.user = m.addUser(*config.User.Name, int(*config.User.UID), *config.User.Home)
	}
	// At every boot, since Lima gives each another instance id.
	m.authorize(m.user, m.user.home, publicKey)
	if m.files[sudoRule] == nil {
		m.put(sudoRule, file{kind: regular, mode: 0o440})
	}
	m.put("/run", file{kind: directory, mode: 0o755})
	m.vm.conditions.RootDamaged = false // the boot has checked it
	m.startEnabled()
}

// powerOff forgets what is only in memory.
func (m *machine) powerOff() {
	m.sshd, m.readOnly, m.openDeleted, m.stranger, m.kept = false, false, false, nil, nil
	m.remove("/run")
	m.units = map[string]*unit{}
	m.mounts = map[string]mounted{}
	m.journal = nil
}

// unmount unmounts everything of a kind.
func (m *machine) unmount(kind string) {
	for point, mount := range m.mounts {
		if mount.kind == kind {
			delete(m.mounts, point)
		}
	}
}

// bootGroupUser is the user whom the world's own boot script, if config has it, puts into the group; otherwise empty.
func bootGroupUser(config *limatype.LimaYAML) string {
	_, want, _ := strings.Cut(embed.BootGroup(), "{{.User}}")
	for _, provision := range config.Provision {
		if provision.Mode != limatype.ProvisionModeBoot || provision.Script == nil {
			continue
		}
		_, have, _ := strings.Cut(*provision.Script, "\nuser='")
		if name, rest, found := strings.Cut(have, "'"); found && strings.TrimSpace("'"+rest) == strings.TrimSpace(want) {
			return name
		}
	}
	return ""
}
