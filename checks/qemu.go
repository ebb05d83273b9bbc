package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/mattn/go-shellwords"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
)

// qemuCommand is how Lima calls QEMU.
type qemuCommand struct {
	variable string // the environment variable that may override it
	own      bool   // it does
	program  string
	args     []string // before Lima's own
}

// qemuCommand reads the variable QEMU_SYSTEM_<ARCH> as Lima does (its qemu.Exe), with the same library.
func (h Host) qemuCommand(arch limatype.Arch) (qemuCommand, error) {
	command := qemuCommand{variable: "QEMU_SYSTEM_" + strings.ToUpper(arch), program: "qemu-system-" + arch}
	value := h.Getenv(command.variable)
	if value == "" {
		return command, nil
	}
	words, err := shellwords.Parse(value)
	if err != nil {
		return command, fmt.Errorf("a quote or a parenthesis in it is not closed: %s", value)
	}
	if len(words) == 0 {
		return command, errors.New("it contains no program; limactl crashes on that")
	}
	command.own, command.program, command.args = true, words[0], words[1:]
	return command, nil
}

// qemu checks that the programs with which Lima runs a VM of QEMU for arch are installed.
func (h Host) qemu(arch limatype.Arch) Probe {
	wanted := qemuX86
	if arch == limatype.AARCH64 {
		wanted = qemuARM
	}
	return func(context.Context) Result {
		command, err := h.qemuCommand(arch)
		unset := fmt.Sprintf("correct it, or do without it: unset %s", command.variable)
		if err != nil {
			return failed(command.variable+" is invalid", err.Error(), unset)
		}
		path, err := h.Find(command.program)
		if err != nil && command.own {
			return failed(command.program+", which "+command.variable+" names, is not installed", err.Error(), unset)
		}
		if err != nil {
			return h.missing("QEMU is not installed", err.Error(), wanted)
		}
		if _, err := h.Find("qemu-img"); err != nil {
			return h.missing("QEMU's disk tool is not installed", err.Error(), wanted)
		}
		return ok("%s", path)
	}
}

// minimumQEMU is the oldest major version that Lima supports (its installation page).
const minimumQEMU = 7

// qemuVersion checks that QEMU answers, and is not too old.
func (h Host) qemuVersion(arch limatype.Arch) Probe {
	return func(ctx context.Context) Result {
		command, err := h.qemuCommand(arch)
		if err != nil {
			return unknown(err)
		}
		out, err := h.Run(ctx, command.program, "--version")
		if err != nil {
			return unknown(fmt.Errorf("%s --version: %w", command.program, err))
		}
		match := regexp.MustCompile(`version ((\d+)\.\S+)`).FindStringSubmatch(out)
		if match == nil {
			return unknown(fmt.Errorf("%s --version printed %.60q", command.program, strings.TrimSpace(out)))
		}
		if major, _ := strconv.Atoi(match[2]); major < minimumQEMU {
			return warning("QEMU %s", match[1]).because(
				fmt.Sprintf("QEMU is old: Lima needs %d.0 or newer", minimumQEMU),
				"upgrade it with your package manager, or use a newer release of your system")
		}
		return ok("QEMU %s", match[1])
	}
}

// Firmware describes what the configuration of a VM says about the firmware that it boots by.
type Firmware struct {
	LegacyBIOS bool // the BIOS that is part of QEMU, instead of UEFI
	Own        bool // Lima has it from the profile, or downloads it
	Unsure     bool // a template that the profile is based on may say something else
}

// firmwarePlaces are where Lima searches for UEFI firmware (its qemu driver, getFirmware).
func firmwarePlaces(arch limatype.Arch, qemu, home string) []string {
	name := "share/qemu/edk2-" + arch + "-code.fd"
	places := []string{filepath.Join(home, ".local", name), filepath.Join(filepath.Dir(filepath.Dir(qemu)), name),
		filepath.Join(filepath.Dir(qemu), "share/edk2-"+arch+"-code.fd")}
	if arch == limatype.AARCH64 {
		return append(places, "/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/AAVMF/AAVMF_CODE.fd",
			"/usr/share/qemu-efi-aarch64/QEMU_EFI.fd")
	}
	return append(places, "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/OVMF/OVMF_CODE.fd",
		"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/qemu/ovmf-x86_64.bin",
		"/usr/share/qemu/ovmf-x86_64-4m.bin")
}

// firmware checks that Lima finds the UEFI firmware by which a VM of QEMU for arch boots.
func (h Host) firmware(arch limatype.Arch, home string, configured Firmware) Probe {
	wanted := firmwareX86
	if arch == limatype.AARCH64 {
		wanted = firmwareARM
	}
	return func(context.Context) Result {
		command, err := h.qemuCommand(arch)
		if err != nil {
			return unknown(err)
		}
		qemu, err := h.Find(command.program)
		if err != nil {
			return unknown(err)
		}
		places := firmwarePlaces(arch, qemu, home)
		for _, place := range places {
			if _, err := h.Stat(place); err == nil {
				return ok("%s", place)
			}
		}
		result := h.missing("QEMU's UEFI firmware is not installed",
			"the VM boots by it, and Lima finds it in none of its places", wanted).details(places...)
		if configured.Unsure {
			result.Outcome, result.Fix = Warning, nil
			result.Why += "; a template that the profile is based on may choose another"
		}
		return result
	}
}

// virtiofsdPlaces are where Linux distributions keep it, outside PATH; Lima searches there too (its qemu driver).
var virtiofsdPlaces = []string{"virtiofsd", "/usr/libexec/virtiofsd", "/usr/lib/virtiofsd", "/usr/lib/qemu/virtiofsd"}

// virtiofsd checks that the server for mounts by virtiofs is installed: the one written in Rust, which has an option
// --version. By that Lima tells it from the older one of QEMU, which only root can run (its pkg/driver/qemu,
// FindVirtiofsd).
func (h Host) virtiofsd(ctx context.Context) Result {
	what, why := "virtiofsd is not installed", "QEMU needs it for the mount type virtiofs"
	for _, place := range virtiofsdPlaces {
		path, err := h.Find(place)
		if err != nil {
			continue
		}
		_, err = h.Run(ctx, path, "--version")
		if err == nil {
			return ok("%s", path)
		}
		what, why = "the virtiofsd that is installed is not the one that Lima uses", fmt.Sprintf("%s --version: %v", path,
			err)
	}
	result := h.missing(what, why, virtiofsd)
	result.Next += "; or use another mount type: --mount-type reverse-sshfs"
	return result
}

// acceleration checks that QEMU on Linux can run a VM for arch on the processor itself, through KVM, or that emulation
// was requested explicitly. Lima uses KVM whenever its file exists, and silently emulates when it does not.
func (h Host) acceleration(arch limatype.Arch) Probe {
	const slow = "expect minutes where KVM takes seconds"
	return func(ctx context.Context) Result {
		command, err := h.qemuCommand(arch)
		if err != nil {
			return unknown(fmt.Errorf("%s is invalid: %w", command.variable, err))
		}
		if native := limatype.NewArch(h.Arch); arch != native {
			return info("software emulation: the VM's processor is %s and this machine's is %s; %s", arch, native, slow)
		}
		requested, complete := emulation(command.args)
		problem := h.KVM()
		switch {
		case !requested && problem == nil:
			return ok("KVM")
		case !requested:
			return h.kvmProblem(ctx, problem, arch)
		case !complete && !errors.Is(problem, fs.ErrNotExist):
			return failed(command.variable+" requests emulation in a way that does not work",
				"/dev/kvm exists, so Lima adds its own -machine and -cpu for KVM, unless the variable has both",
				emulateCommand(arch))
		}
		return info("software emulation, as requested by %s: %s", command.variable, slow)
	}
}

var accelKVM = lazyregexp.New(`(-accel |accel=)[^ ,]*\bkvm\b`)

// emulation reads the arguments as QEMU and Lima do: QEMU emulates when a machine or an accelerator is named, and not
// KVM among them. Lima adds its own arguments for KVM unless both of the words -machine and -cpu are there.
func emulation(args []string) (requested, complete bool) {
	has := func(option string) bool { return slices.Contains(args, option) }
	requested = (has("-machine") || has("-accel")) && !accelKVM.MatchString(strings.Join(args, " "))
	return requested, has("-machine") && has("-cpu")
}

// relogin is for a person who has become a member of a group: sessions keep the groups that they began with.
const relogin = "log out and in again (a restart does it as well), then run worldsetup again"

func (h Host) kvmProblem(ctx context.Context, err error, arch limatype.Arch) Result {
	without := "; to go on without it, slowly: " + emulateCommand(arch)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return failed("this machine offers no hardware acceleration", err.Error(),
			"enable virtualization in the machine's firmware (VT-x, AMD-V), or nested virtualization if this "+
				"machine is itself "+
				"a VM"+without)
	case !errors.Is(err, fs.ErrPermission):
		return failed("hardware acceleration does not work", "/dev/kvm exists, but creates no VM: "+err.Error(),
			"enable nested virtualization if this machine is itself a VM, and stop other programs that run VMs"+without)
	}
	const what = "no permission to use KVM (/dev/kvm)"
	user := h.User()
	groups, groupsErr := h.Run(ctx, "id", "-nG", user) // with a name: as of the next login
	if groupsErr == nil && slices.Contains(strings.Fields(groups), "kvm") {
		return failed(what, err.Error()+": you are in the group kvm, but joined it after you logged in", relogin)
	}
	denied := failed(what, err.Error(),
		`join its group: sudo usermod -aG kvm "$USER", then log out and in again`+without)
	if user == "" {
		return denied
	}
	return denied.fixable(relogin, "sudo", "usermod", "-aG", "kvm", user)
}

// emulateCommand returns the command that requests emulation.
func emulateCommand(arch limatype.Arch) string {
	machine := "q35"
	if arch == limatype.AARCH64 {
		machine = "virt"
	}
	const command = `export QEMU_SYSTEM_%s="qemu-system-%s -machine %s,accel=tcg -cpu max"`
	return fmt.Sprintf(command, strings.ToUpper(arch), arch, machine)
}
