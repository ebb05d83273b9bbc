package checks

import (
	"os"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Target is the world that the machine is checked for. Each check gets only the part that it needs.
type Target struct {
	VM       VM
	VMType   string        // limatype.VZ or limatype.QEMU
	Arch     limatype.Arch // of the VM
	Starts   bool          // the VM is to be created or started
	Memory   int64         // of the VM, in bytes
	Space    Space         // what is to be put on the disk; whether the image is, is found out here
	Images   []string      // places of a new VM's image, the best first; nil when nothing is to be fetched
	Mounts   string        // the type of mount that was asked for; empty for Lima's choice
	Home     string        // the user's home directory
	Project  string        // absolute
	Agents   Agents
	LimaHome string // absolute
	StateDir string // absolute
	Traces   Traces
	Lima     lima.Client
}

// List is the list of checks for target on this machine, in the order in which they are shown.
func List(target Target) []Check { return list(Here(), target) }

func list(h Host, t Target) []Check {
	const runs, none, macOnly = "the VM is running", "there is no VM", "on a Mac only"
	qemuVM, vzVM, linux, mac := t.VMType == limatype.QEMU, t.VMType == limatype.VZ, h.OS == "linux", h.OS == "darwin"
	cache, _ := os.UserCacheDir() // where it is unknown, nothing is cached
	address, local := toDownload(h, t.Images, filepath.Join(cache, "lima"))
	t.Space.Image = address != ""
	home := newDirectory(t.LimaHome, "LIMA_HOME", "~/.lima")
	exists := t.VM.Instance != nil
	return []Check{
		// The host.
		system(h),
		processor(h),
		ordinaryUser(h),
		stateDir(newDirectory(t.StateDir, "XDG_STATE_HOME", "~/.local/state")),
		limaHome(home, t.VM.Name, h.OS),
		memory(h, t.Memory).When(t.Starts, runs),
		diskSpace(h, home, t.Space).When(t.Starts, runs),
		fileLimit(h),
		watches(h).When(linux, "on Linux only"),
		virtualization(h, t.VMType).When(t.Starts, runs).When(mac || !qemuVM, "needed on a Mac only"),
		acceleration(h, t.Arch).When(t.Starts, runs).When(qemuVM && linux, "QEMU on Linux only"),
		// Its tools.
		homebrew(h).When(mac, macOnly).When(t.Starts, runs),
		quarantine(h).When(mac, macOnly).When(t.Starts, runs),
		limactl(t.Lima, h),
		limactlCPU(h).When(mac, macOnly).When(t.Starts, runs),
		entitlement(h).When(mac && vzVM, "VMs of the type vz only").When(t.Starts, runs),
		guestAgent(h, t.Arch).When(t.Starts, runs),
		sshClient(h),
		qemu(h, t.Arch).When(t.Starts, runs).When(qemuVM, "the VM's type is "+t.VMType),
		qemuVersion(h, t.Arch).When(t.Starts, runs).When(qemuVM, "the VM's type is "+t.VMType),
		virtiofsd(h).When(t.Mounts == limatype.VIRTIOFS && qemuVM && linux, "no mounts by virtiofs of QEMU"),
		// The network, only when something must be downloaded.
		proxy(h, address).When(address != "", local),
		nameResolution(h, address).When(address != "", local),
		imageHost(h, address).When(address != "", local),
		// What is put into the VM.
		project(t.Project, t.Home, t.LimaHome),
		builtin(),
		agent(t.Agents),
		// The VM as it stands.
		vmState(h, t.VM),
		vmOwner(t.VM).When(exists, none),
		vmProtected(t.VM).When(exists, none),
		otherRun(h, t.Traces),
		lastRun(h, t.Traces),
	}
}
