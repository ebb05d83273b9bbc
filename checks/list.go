package checks

import (
	"os"
	"runtime"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Target is the world that the machine is checked for. Each check gets only the part that it needs.
type Target struct {
	VM       string        // the instance's name
	VMType   string        // limatype.VZ or limatype.QEMU
	Arch     limatype.Arch // of the VM
	Starts   bool          // the VM is to be created or started
	LimaHome string        // absolute
	StateDir string        // absolute
	Lima     lima.Client
}

// List is the list of checks for target on this machine, in the order in which they are shown.
func List(target Target) []Check {
	const runs = "the VM is running"
	qemu := target.VMType == limatype.QEMU
	linux, mac := runtime.GOOS == "linux", runtime.GOOS == "darwin"
	return []Check{
		User(),
		StateDir(target.StateDir),
		LimaHome(target.LimaHome, target.VM),
		Limactl(target.Lima),
		SSHClient(),
		QEMU(target.Arch, os.Getenv).When(target.Starts, runs).When(qemu, "the VM's type is "+target.VMType),
		Acceleration(target.Arch, os.Getenv).When(target.Starts, runs).When(qemu && linux, "QEMU on Linux only"),
		Virtualization(target.VMType).When(target.Starts, runs).When(mac || !qemu, "needed on a Mac only"),
	}
}
