package devhost

import (
	"context"
	"os"
	"regexp"
	"runtime"
)

// Accel is how QEMU runs a guest here.
type Accel struct {
	KVM bool
	Why string // why KVM is not used
}

func (a Accel) String() string {
	if a.KVM {
		return "KVM"
	}
	return "software emulation, many times slower than KVM: " + a.Why
}

// Env makes Lima emulate in software where KVM is of no use. Lima itself takes KVM whenever /dev/kvm exists.
func (a Accel) Env(goarch string) []string {
	if a.KVM {
		return nil
	}
	name, value := emulation(goarch)
	return []string{name + "=" + value}
}

// emulation is the variable that Lima reads for QEMU's name and leading arguments, and its value for software
// emulation.
func emulation(goarch string) (name, value string) {
	if goarch == "arm64" {
		return "QEMU_SYSTEM_AARCH64", "qemu-system-aarch64 -machine virt,accel=tcg -cpu max"
	}
	return "QEMU_SYSTEM_X86_64", "qemu-system-x86_64 -machine q35,accel=tcg -cpu max"
}

// accel reports whether the user can use KVM.
func (h *Host) accel(ctx context.Context) Accel {
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo") // it shows nothing, then
	switch _, err := os.Stat("/dev/kvm"); {
	case err != nil:
		return Accel{Why: "this machine has no /dev/kvm"}
	case h.Command(ctx, "test", "-r", "/dev/kvm", "-a", "-w", "/dev/kvm").Run() != nil:
		return Accel{Why: h.User.Name + " may not open /dev/kvm (when its group is kvm: sudo usermod -aG kvm " +
			h.User.Name + ")"}
	case !virtualizes(runtime.GOARCH, string(cpuinfo)):
		return Accel{Why: "the processor has no virtualization (vmx or svm), so /dev/kvm boots nothing"}
	}
	return Accel{KVM: true}
}

// virtualizes reports whether the processor can run guests. A KVM without that was seen, on a rented VM: it opened,
// made a VM and started the BIOS, and gave up at the first instruction that its interpreter did not know.
func virtualizes(goarch, cpuinfo string) bool {
	return goarch != "amd64" || regexp.MustCompile(`(?m)^flags\s*:.* (vmx|svm)\b`).MatchString(cpuinfo)
}
