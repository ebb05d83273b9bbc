package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// acceleration checks that QEMU on Linux can run a VM for arch on the processor itself, through KVM, or that somebody
// asked for emulation in so many words. Lima takes KVM whenever there is a file of its name, and silently does without
// it when there is none: a file proves nothing, so a VM is made through it.
func acceleration(h Host, arch limatype.Arch) Check {
	native := limatype.NewArch(h.Arch)
	return Check{
		ID: "acceleration", Title: "hardware acceleration",
		Probe: func(ctx context.Context) Finding {
			command, err := readQEMU(arch, h.Getenv)
			if err != nil {
				return Finding{Outcome: Unknown, Found: fmt.Sprintf("%s cannot be read: %v", command.variable, err)}
			}
			if arch != native {
				return Finding{Outcome: Info, Found: fmt.Sprintf("software emulation, since the VM's processor is %s and this machine's is %s: %s", arch, native, slow)}
			}
			asked := emulation(command.args)
			problem := h.KVM()
			switch {
			case asked == none && problem == nil:
				return ok("KVM")
			case asked == none:
				return kvmProblem(ctx, h, problem, arch)
			case asked != whole && !errors.Is(problem, fs.ErrNotExist):
				// Without these, Lima adds its own, which are for KVM, and QEMU refuses both together.
				return failed(fmt.Sprintf("%s asks for emulation, and not in the way that works", command.variable),
					"Lima sees /dev/kvm and adds its own -machine and -cpu, which want KVM, unless it names both",
					accept(arch))
			}
			return Finding{Outcome: Info, Found: fmt.Sprintf("software emulation, as asked by %s: %s", command.variable, slow)}
		},
	}
}

const slow = "expect minutes where KVM takes seconds"

// emulated is how the arguments for QEMU ask for emulation.
type emulated int

const (
	none  emulated = iota // not at all
	part                  // in a way that holds only when there is no /dev/kvm
	whole                 // with -machine and -cpu, which keeps Lima from adding its own
)

// emulation reads the arguments as Lima and QEMU do: Lima looks for the very words -machine and -cpu, and QEMU emulates
// when a machine is named and no accelerator.
func emulation(args []string) emulated {
	machine, hasMachine := argument(args, "-machine")
	accel, hasAccel := argument(args, "-accel")
	for _, option := range strings.Split(machine, ",") {
		if value, found := strings.CutPrefix(option, "accel="); found {
			accel, hasAccel = value, true
		}
	}
	first, _, _ := strings.Cut(accel, ",")
	wantsKVM := slices.Contains(strings.Split(first, ":"), "kvm")
	switch _, hasCPU := argument(args, "-cpu"); {
	case wantsKVM, !hasMachine && !hasAccel:
		return none
	case hasMachine && hasCPU:
		return whole
	}
	return part
}

// argument is the value of the option name in args, and whether it is there.
func argument(args []string, name string) (string, bool) {
	i := slices.Index(args, name)
	switch {
	case i < 0:
		return "", false
	case i+1 == len(args):
		return "", true
	}
	return args[i+1], true
}

func kvmProblem(ctx context.Context, h Host, err error, arch limatype.Arch) Finding {
	emulate := "; to go on without it, slowly: " + accept(arch)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return failed("this machine offers no hardware acceleration", err.Error(),
			"switch virtualization on in the machine's firmware (VT-x, AMD-V), or nested virtualization where this machine is itself a VM"+emulate)
	case errors.Is(err, fs.ErrPermission):
		return kvmDenied(ctx, h, err, emulate)
	}
	return failed("the machine's hardware acceleration does not work", "/dev/kvm is there, and no VM can be made through it: "+err.Error(),
		"switch on nested virtualization if this machine is itself a VM, and stop other programs that run VMs"+emulate)
}

// relogin is left to a person who has become a member of a group: those who are logged in stay what they were.
const relogin = "log out and in again (a restart does it as well), then run worldsetup again"

func kvmDenied(ctx context.Context, h Host, err error, emulate string) Finding {
	const what = "you may not use the machine's hardware acceleration"
	name := h.User()
	groups, groupsErr := h.Run(ctx, "id", "-nG", name) // with a name: as of the next login
	if groupsErr == nil && slices.Contains(strings.Fields(groups), "kvm") {
		return failed(what, err.Error()+": you are in the group kvm since after you logged in", relogin)
	}
	denied := failed(what, err.Error(), `let yourself: sudo usermod -aG kvm "$USER", then log out and in again`+emulate)
	if name == "" {
		return denied
	}
	return denied.fixable(relogin, "sudo", "usermod", "-aG", "kvm", name)
}

// accept is the command by which somebody says that emulation will do.
func accept(arch limatype.Arch) string {
	machine := "q35"
	if arch == limatype.AARCH64 {
		machine = "virt"
	}
	return fmt.Sprintf(`export QEMU_SYSTEM_%s="qemu-system-%s -machine %s,accel=tcg -cpu max"`, strings.ToUpper(arch), arch, machine)
}
