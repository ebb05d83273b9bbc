package devhost

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// kvmDeadline is for a guest that needs 0.1 s on a working KVM.
const kvmDeadline = 10 * time.Second

// Accel tells how QEMU runs a guest here.
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

// probeAccel runs a tiny guest under KVM, as the user. That /dev/kvm exists, opens and makes a VM proves too little: a
// KVM was seen that did all that, started a BIOS, and gave up at the first instruction which its interpreter did not
// know.
func (h *Host) probeAccel(ctx context.Context) (Accel, error) {
	if _, err := os.Stat("/dev/kvm"); err != nil {
		return Accel{Why: "this machine has no /dev/kvm"}, nil
	}
	if h.Command(ctx, "test", "-r", "/dev/kvm", "-a", "-w", "/dev/kvm").Run() != nil {
		return Accel{Why: fmt.Sprintf("%s may not open /dev/kvm (sudo usermod -aG kvm %s, when its group is kvm)",
			h.User.Name, h.User.Name)}, nil
	}
	dir, err := os.MkdirTemp("", "worldsetup-kvm-")
	if err != nil {
		return Accel{}, fmt.Errorf("probe KVM: %w", err)
	}
	defer os.RemoveAll(dir)
	guest := newProbeGuest(runtime.GOARCH, filepath.Join(dir, "guest"))
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(guest.file, guest.code, 0o644)); err != nil {
		return Accel{}, fmt.Errorf("probe KVM: %w", err)
	}
	return h.runProbe(ctx, guest, "kvm"), nil
}

// runProbe runs the guest under an accelerator and judges how it ended.
func (h *Host) runProbe(ctx context.Context, guest probeGuest, accel string) Accel {
	ctx, cancel := context.WithTimeout(ctx, kvmDeadline)
	defer cancel()
	args := guest.args(accel)
	err := h.Command(ctx, args[0], args[1:]...).Run()
	exit, ended := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return Accel{Why: fmt.Sprintf("/dev/kvm did not finish a guest of a few instructions in %s", kvmDeadline)}
	case err == nil && guest.success == 0, ended && exit.ExitCode() == guest.success:
		return Accel{KVM: true}
	}
	return Accel{Why: fmt.Sprintf("/dev/kvm runs no guest: QEMU ended with %v", err)}
}

// probeGuest is a guest that ends QEMU with a certain exit code once it has run.
type probeGuest struct {
	goarch  string
	file    string
	code    []byte
	success int
}

func newProbeGuest(goarch, file string) probeGuest {
	if goarch == "arm64" {
		return probeGuest{goarch: goarch, file: file, code: armCode(), success: 0}
	}
	// isa-debug-exit turns the value v into the exit code 2v+1.
	return probeGuest{goarch: goarch, file: file, code: bootSector(), success: 2*0x10 + 1}
}

// args is QEMU's command line.
func (g probeGuest) args(accel string) []string {
	common := []string{"-accel", accel, "-m", "64", "-display", "none", "-nodefaults", "-no-user-config"}
	if g.goarch == "arm64" {
		cpu := "host"
		if accel == "tcg" {
			cpu = "max"
		}
		return append([]string{"qemu-system-aarch64", "-machine", "virt", "-cpu", cpu, "-kernel", g.file}, common...)
	}
	return append([]string{
		"qemu-system-x86_64", "-machine", "q35", "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
		"-drive", "file=" + g.file + ",format=raw,if=none,id=disk", "-device", "ide-hd,drive=disk,bootindex=0",
		"-snapshot",
	}, common...)
}

// bootSector is a disk whose first sector uses the vector unit, counts down from 30 million, and writes to the port
// that ends QEMU. Both are nothing to a real KVM; one that interprets instructions knows no paddd, and counts for
// minutes.
func bootSector() []byte {
	code := []byte{
		0x0f, 0x20, 0xe0, //       mov eax, cr4
		0x0d, 0x00, 0x06, //       or ax, OSFXSR|OSXMMEXCPT
		0x0f, 0x22, 0xe0, //       mov cr4, eax
		0x66, 0x0f, 0xfe, 0xc0, // paddd xmm0, xmm0
		0x66, 0xb9, 0x80, 0xc3, 0xc9, 0x01, // mov ecx, 30000000
		0x66, 0x49, // loop: dec ecx
		0x75, 0xfc, //       jnz loop
		0xb0, 0x10, // mov al, 0x10
		0xe6, 0xf4, // out 0xf4, al
		0xf4,       // hlt
		0xeb, 0xfd, // jmp to hlt
	}
	disk := make([]byte, 1<<20) // SeaBIOS reads nothing from a SATA disk of a single sector
	copy(disk, code)
	disk[510], disk[511] = 0x55, 0xaa
	return disk
}

// armCode counts down from 30 million and asks the firmware interface to switch the machine off, which ends QEMU with
// 0.
func armCode() []byte {
	var code []byte
	for _, word := range []uint32{
		0x52a03921, // movz w1, #0x1c9, lsl #16
		0x71000421, // loop: subs w1, w1, #1
		0x54ffffe1, //       b.ne loop
		0x52800100, // movz w0, #0x0008
		0x72b08000, // movk w0, #0x8400, lsl #16: PSCI SYSTEM_OFF
		0xd4000002, // hvc #0
		0x14000000, // b .
	} {
		code = binary.LittleEndian.AppendUint32(code, word)
	}
	return code
}
