package checks

import (
	"cmp"
	"strings"
)

// lookPath finds a program, like exec.LookPath.
type lookPath func(name string) (string, error)

// limaCommands are the ways to get limactl.
type limaCommands struct {
	first, upgrade, again string // for a person to read
	brew                  string // Homebrew as it is to be called here; empty without one
}

// Homebrew's two homes on a Mac (docs.brew.sh/Installation). A PATH that lacks them is common on Apple silicon.
const (
	brewAppleSilicon = "/opt/homebrew/bin/brew"
	brewIntel        = "/usr/local/bin/brew"
)

// lima says how to get limactl on this machine.
func (h Host) lima() limaCommands {
	const page = ", or as https://lima-vm.io/docs/installation/ says"
	brew := h.brew()
	call := cmp.Or(brew, "brew")
	commands := limaCommands{call + " install lima" + page, call + " upgrade lima" + page, call + " reinstall lima" + page, brew}
	if h.OS == "darwin" && brew == "" {
		commands.first = "first Homebrew, as https://brew.sh says, then: brew install lima"
	}
	return commands
}

// brew is Homebrew's program: its name when it is in PATH, and its path in one of its usual homes otherwise.
func (h Host) brew() string {
	places := []string{"brew"}
	if h.OS == "darwin" {
		places = append(places, brewAppleSilicon, brewIntel)
		if h.Arch == "amd64" {
			places = []string{"brew", brewIntel}
		}
	}
	for _, place := range places {
		if _, err := h.Find(place); err == nil {
			return place
		}
	}
	return ""
}

// fixLima makes finding fixable by what Homebrew does with the Lima that it has installed, as in "upgrade". With one from
// elsewhere it can do nothing.
func (h Host) fixLima(finding Finding, verb string) Finding {
	brew := h.brew()
	path, err := h.Find("limactl")
	if brew == "" || err != nil {
		return finding
	}
	if real, err := h.Real(path); err == nil && !strings.Contains(real, "/Cellar/") {
		return finding
	}
	return finding.fixable("", brew, verb, "lima")
}

// packages names what to install, by package manager.
type packages map[string]string

// managers are the package managers that are known, and how each is told to install something, and to do so unasked.
var managers = []struct{ program, install, yes string }{
	{"apt-get", "sudo apt-get install ", "--yes"},
	{"dnf", "sudo dnf install ", "--assumeyes"},
	{"pacman", "sudo pacman -S ", "--noconfirm"},
	{"zypper", "sudo zypper install ", "--no-confirm"},
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
	virtiofsdPackages = packages{
		"apt-get": "virtiofsd", "dnf": "virtiofsd", "pacman": "virtiofsd", "zypper": "virtiofsd",
	}
)

// missing is the finding of a check whose program is not there, with what installs wanted.
func (h Host) missing(what, why string, wanted packages) Finding {
	finding := failed(what, why, installPackages(h.Find, h.OS, wanted))
	if h.OS == "darwin" {
		if brew := h.brew(); brew != "" && wanted["brew"] != "" {
			return finding.fixable("", brew, "install", wanted["brew"])
		}
		return finding
	}
	for _, manager := range managers {
		if _, err := h.Find(manager.program); err != nil || wanted[manager.program] == "" {
			continue
		}
		command := append(strings.Fields(manager.install), manager.yes)
		return finding.fixable("", append(command, strings.Fields(wanted[manager.program])...)...)
	}
	return finding
}

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
