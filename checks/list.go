package checks

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// Target is the world that the machine is checked for. Each check gets only the part that it needs.
type Target struct {
	VM       VM
	VMType   string        // limatype.VZ or limatype.QEMU
	Arch     limatype.Arch // of the VM
	Firmware Firmware      // of the VM
	Starts   bool          // the VM will be created or started
	Unlisted bool          // Lima can't list its VMs, so that it is unknown whether there is one
	Memory   int64         // of the VM, in bytes
	Space    Space         // what will be written to the disk; List finds out whether the image is part of it
	Images   []string      // places of a new VM's image, the best first; nil when nothing has to be downloaded
	// Containers is what a new VM gets for containers.
	Containers Containers
	Mounts     string // the type of mount that was requested; empty for Lima's choice
	Home       string // the user's home directory
	NoHome     bool   // it is not mounted
	// GuestHome is the home directory of the user in the guest, with {{.User}} for the name of the user here; empty for
	// the one that Lima chooses.
	GuestHome string
	Project   string         // absolute
	NoProject *finding.Error // why there is none that can be used; nil when there is one
	Agents    Agents
	LimaHome  string // absolute
	StateDir  string // absolute
	Traces    Traces
	Lima      lima.Client
}

// List returns the checks for target on this machine, in the order in which they are shown.
func List(target Target) []Check { return list(Here(), target) }

func list(h Host, t Target) []Check {
	const none, macOnly, unlisted = "there is no VM", "on a Mac only", "Lima can't list its VMs"
	runs := "the VM is running"
	qemuVM, vzVM, linux, mac := t.VMType == limatype.QEMU, t.VMType == limatype.VZ, h.OS == "linux", h.OS == "darwin"
	noQEMU := "the VM's type is " + t.VMType
	cache, _ := os.UserCacheDir() // where it is unknown, nothing is cached
	addresses, local := toDownload(h, t.Images, filepath.Join(cache, "lima"))
	if t.Unlisted {
		runs, local, addresses = unlisted, unlisted, nil
	}
	address := "" // of the first that Lima tries
	if len(addresses) > 0 {
		address = addresses[0]
	}
	t.Space.Image = address != ""
	t.Space.Converted = t.Space.Image && vzVM
	home := newDirectory(t.LimaHome, "LIMA_HOME", "~/.lima")
	state := newDirectory(t.StateDir, "XDG_STATE_HOME", "~/.local/state")
	exists := t.VM.Instance != nil
	limactl := []string{LimactlWorks}
	return []Check{
		// The host.
		{ID: "system", Title: "operating system", Probe: h.system},
		{ID: "processor", Title: "processor", Probe: h.processor},
		{ID: "host-user", Title: "ordinary user", Probe: h.ordinaryUser},
		{ID: "state-directory", Title: "state directory", Late: lateDisk, Probe: state.probe("the state directory")},
		{ID: "lima-home", Title: "Lima's home directory", Late: lateDisk,
			Probe: h.localHome(home, t.Lima, home.limaHome(t.VM.Name, h.OS))},
		Check{ID: "home-directory", Title: "home directory", Probe: h.homeMount(t.Home, t.GuestHome, t.Lima)}.
			When(!t.NoHome, "it is not mounted in the VM"),
		Check{ID: "memory", Title: "memory", Probe: h.memory(t.Memory)}.When(t.Starts, runs),
		Check{ID: "disk-space", Title: "free disk space", Late: lateDisk, Probe: h.diskSpace(home, t.Space)}.
			When(t.Starts, runs),
		{ID: "open-files", Title: "limit of open files", Probe: h.openFiles},
		Check{ID: "inotify", Title: "file watching", Probe: h.fileWatching}.When(linux, "on Linux only"),
		Check{ID: "virtualization", Title: "virtualization", Probe: h.virtualization(t.VMType)}.
			When(t.Starts, runs).When(mac || !qemuVM, "needed on a Mac only"),
		Check{ID: "acceleration", Title: "hardware acceleration", Probe: h.acceleration(t.Arch)}.
			When(t.Starts, runs).When(qemuVM && linux, "QEMU on Linux only"),
		// Its tools.
		Check{ID: "homebrew", Title: "Homebrew", Probe: h.homebrew}.When(mac, macOnly).When(t.Starts, runs),
		Check{ID: "quarantine", Title: "quarantine", Probe: h.quarantine}.When(mac, macOnly).When(t.Starts, runs),
		h.limactl(t.Lima),
		Check{ID: "limactl-processor", Title: "Lima's processor", Requires: limactl, Probe: h.limactlProcessor}.
			When(mac, macOnly).When(t.Starts, runs),
		Check{ID: "vz-entitlement", Title: "permission to create VMs", Requires: limactl, Probe: h.entitlement}.
			When(mac && vzVM, "VMs of the type vz only").When(t.Starts, runs),
		Check{ID: "rosetta", Title: "Rosetta", Probe: h.rosetta}.
			When(mac && vzVM && t.Arch == limatype.AARCH64, "VMs of the type vz on Apple silicon only").When(t.Starts, runs),
		Check{ID: "lima-guest-agent", Title: "Lima's guest agent", Requires: limactl, Probe: h.guestAgent(t.Arch)}.
			When(t.Starts, runs),
		{ID: "ssh-client", Title: "ssh client", Probe: h.sshClient},
		Check{ID: "qemu", Title: "QEMU", Probe: h.qemu(t.Arch)}.When(t.Starts, runs).When(qemuVM, noQEMU),
		Check{ID: "qemu-version", Title: "QEMU's version", Requires: []string{"qemu"}, Probe: h.qemuVersion(t.Arch)}.
			When(t.Starts, runs).When(qemuVM, noQEMU),
		Check{ID: "firmware", Title: "UEFI firmware", Requires: []string{"qemu"},
			Probe: h.firmware(t.Arch, t.Home, t.Firmware)}.When(t.Starts, runs).When(qemuVM, noQEMU).
			When(!t.Firmware.LegacyBIOS || t.Arch == limatype.AARCH64, "the VM boots by QEMU's own BIOS").
			When(!t.Firmware.Own, "the VM has its own, or its profile names one"),
		Check{ID: "virtiofsd", Title: "virtiofsd", Probe: h.virtiofsd}.
			When(t.Mounts == limatype.VIRTIOFS && qemuVM && linux, "no mounts by virtiofs of QEMU"),
		// The network, only when something must be downloaded.
		Check{ID: "proxy", Title: "proxy", network: true, Probe: h.proxy(address)}.When(address != "", local),
		Check{
			ID: "name-resolution", Title: "name resolution", Requires: []string{"proxy"}, network: true,
			Probe: h.nameResolution(address),
			Late: "check that your name server answers: ping " + shellescape.Quote(cmp.Or(hostOf(address), "HOST")) +
				"; with a VPN, that it is connected",
		}.When(address != "", local),
		Check{
			ID: "image-host", Title: "download of the image", Requires: []string{"name-resolution"}, network: true,
			Probe: h.imageHost(addresses),
			Late:  "check that it can be reached: curl -I " + shellescape.Quote(address) + offline,
		}.When(address != "", local),
		Check{ID: "containerd-download", Title: "download of containerd", network: true,
			Probe: h.containers(t.Containers, filepath.Join(cache, "lima"))}.
			When(t.Containers.Wanted, "nothing is downloaded for containers"),
		// What is put into the VM.
		{ID: "project", Title: "project directory", Late: lateDisk, Probe: t.project},
		Check{ID: "project-place", Title: "place of the project", Probe: h.projectPlace(t.Home, t.Project)}.
			When(mac, macOnly).When(t.NoProject == nil, "there is no project"),
		{ID: "built-in-files", Title: "units and profile", Probe: builtIn},
		Check{ID: "agent", Title: "agent", Probe: t.Agents.probe}.When(!t.Unlisted, unlisted),
		// The VM as it is.
		{ID: VMState, Title: "VM", Requires: limactl, Probe: t.VM.state(h)},
		Check{ID: "vm-owner", Title: "the VM's owner", Probe: t.VM.owner}.When(exists, none),
		Check{ID: "vm-protected", Title: "protection of the VM", Probe: t.VM.protection}.When(exists, none),
		{ID: "other-run", Title: "another run", Probe: t.Traces.otherRun(h)},
		{ID: "last-run", Title: "last run", Requires: []string{"other-run"}, Probe: t.Traces.lastRun(h)},
	}
}

// Local returns the checks of list that ask nothing of the network. What can't be downloaded now matters to who wants
// to create a VM, and not to who asks how one is.
func Local(list []Check) []Check {
	return slices.DeleteFunc(slices.Clone(list), func(check Check) bool { return check.network })
}

// Pick returns the checks of list that ids name, in the order of the list; without ids, all of them.
func Pick(list []Check, ids []string) ([]Check, error) {
	if len(ids) == 0 {
		return list, nil
	}
	for _, id := range ids {
		if !slices.ContainsFunc(list, func(check Check) bool { return check.ID == id }) {
			return nil, fmt.Errorf("there is no check %q", id)
		}
	}
	unwanted := func(check Check) bool { return !slices.Contains(ids, check.ID) }
	return slices.DeleteFunc(slices.Clone(list), unwanted), nil
}

// IDs returns the ids of a list, for a person.
func IDs(list []Check) string {
	var ids []string
	for _, check := range list {
		ids = append(ids, check.ID)
	}
	return strings.Join(ids, ", ")
}

// Blocking returns the results that keep a world from being created.
func Blocking(results []Result) []Result {
	return slices.DeleteFunc(slices.Clone(results), func(result Result) bool { return result.Outcome != Failed })
}

// Causes returns the same as Blocking, those first that most of list waits for: one that is fixed may fix the others.
func Causes(list []Check, results []Result) []Result {
	weight := weights(list)
	causes := Blocking(results)
	slices.SortStableFunc(causes, func(a, b Result) int { return cmp.Compare(weight[b.ID], weight[a.ID]) })
	return causes
}

// weights returns for each check how many of list require it, directly or by others. How the VM is decides what it
// needs, so that nearly all of them depend on that.
func weights(list []Check) map[string]int {
	weight := map[string]int{VMState: len(list)}
	for i := range list {
		check := list[len(list)-1-i] // what requires another check comes after it
		for _, id := range check.Requires {
			weight[id] += 1 + weight[check.ID]
		}
	}
	return weight
}
