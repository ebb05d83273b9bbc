package checks

// lookPath finds a program, like exec.LookPath.
type lookPath func(name string) (string, error)

// limaCommands are the ways to get limactl.
type limaCommands struct{ first, upgrade, again string }

func installLima(goos string) limaCommands {
	if goos == "darwin" {
		return limaCommands{"brew install lima", "brew upgrade lima", "brew reinstall lima"}
	}
	const page = ", or as https://lima-vm.io/docs/installation/ says"
	return limaCommands{"brew install lima" + page, "brew upgrade lima" + page, "brew reinstall lima" + page}
}

// packages names what to install, by package manager.
type packages map[string]string

// managers are the package managers that are known, and how each is told to install something.
var managers = []struct{ program, install string }{
	{"apt-get", "sudo apt-get install "},
	{"dnf", "sudo dnf install "},
	{"pacman", "sudo pacman -S "},
	{"zypper", "sudo zypper install "},
}

// The packages of each tool; firmware is needed as well, since guests boot by UEFI.
var (
	sshPackages = packages{
		"apt-get": "openssh-client", "dnf": "openssh-clients", "pacman": "openssh", "zypper": "openssh-clients",
	}
	qemuX86Packages = packages{
		"apt-get": "qemu-system-x86 qemu-utils ovmf", "dnf": "qemu-system-x86 qemu-img edk2-ovmf",
		"pacman": "qemu-system-x86 qemu-img edk2-ovmf", "zypper": "qemu-x86 qemu-img qemu-ovmf-x86_64",
		"brew": "qemu",
	}
	qemuARMPackages = packages{
		"apt-get": "qemu-system-arm qemu-utils qemu-efi-aarch64", "dnf": "qemu-system-aarch64 qemu-img edk2-aarch64",
		"pacman": "qemu-system-aarch64 qemu-img edk2-aarch64", "zypper": "qemu-arm qemu-img qemu-uefi-aarch64",
		"brew": "qemu",
	}
)

// installPackages is the command that installs wanted with the package manager of this machine.
func installPackages(find lookPath, goos string, wanted packages) string {
	if goos == "darwin" {
		return "install it: brew install " + wanted["brew"]
	}
	for _, manager := range managers {
		if _, err := find(manager.program); err == nil {
			return "install it: " + manager.install + wanted[manager.program]
		}
	}
	return "install it with your package manager; on Debian and Ubuntu: sudo apt-get install " + wanted["apt-get"]
}
