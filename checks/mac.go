package checks

import (
	"bytes"
	"context"
	"debug/macho"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// minimumMacOS is the first whose Virtualization framework Lima uses (its documentation of vz).
const minimumMacOS = 13

// macOS checks that the system is not too old.
func (h Host) macOS(ctx context.Context) Result {
	out, err := h.Run(ctx, "sw_vers")
	if err != nil {
		return unknown(fmt.Errorf("sw_vers failed: %w", err))
	}
	version := regexp.MustCompile(`ProductVersion:\s*((\d+)\S*)`).FindStringSubmatch(out)
	if version == nil {
		return unknown(fmt.Errorf("sw_vers printed %.80q, which has no version", out))
	}
	if major, _ := strconv.Atoi(version[2]); major < minimumMacOS {
		return failed("macOS "+version[1]+" is too old", fmt.Sprintf("Lima's VMs need macOS %d or newer", minimumMacOS),
			"upgrade it: Apple menu > System Settings (or System Preferences) > Software Update")
	}
	return ok("macOS %s", version[1])
}

// sysctl returns the Mac's value of name. Not every Mac knows every name: known is false then, and err is nil.
func (h Host) sysctl(ctx context.Context, name string) (value string, known bool, err error) {
	out, err := h.Run(ctx, "sysctl", name)
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		return err.Error(), false, nil
	}
	_, value, _ = strings.Cut(out, ":")
	return strings.TrimSpace(value), err == nil, err
}

// isSet reports whether name is known and 1.
func (h Host) isSet(ctx context.Context, name string) (bool, error) {
	value, known, err := h.sysctl(ctx, name)
	return known && value == "1", err
}

// appleSilicon reports what the hardware is, whatever this program was built for.
func (h Host) appleSilicon(ctx context.Context) (bool, error) {
	if h.Arch == "arm64" {
		return true, nil
	}
	return h.isSet(ctx, "hw.optional.arm64")
}

func (h Host) macMemory(ctx context.Context) (total, free int64, err error) {
	text, _, err := h.sysctl(ctx, "hw.memsize")
	if err != nil {
		return 0, 0, err
	}
	if total, err = strconv.ParseInt(text, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("hw.memsize is %q", text)
	}
	free, err = h.macFree(ctx)
	return total, free, err
}

// macFree counts what macOS frees for a program that asks: cached files (inactive) as well.
func (h Host) macFree(ctx context.Context) (int64, error) {
	out, err := h.Run(ctx, "vm_stat")
	if err != nil {
		return 0, err
	}
	pages := number(out, `Pages free:\s+(\d+)\.`) + number(out, `Pages inactive:\s+(\d+)\.`)
	free := pages * number(out, `page size of (\d+) bytes`)
	if free == 0 {
		return 0, fmt.Errorf("vm_stat printed %.60q", strings.TrimSpace(out))
	}
	return free, nil
}

// virtualization checks that macOS can run VMs here. On a Mac that is itself a VM, for example, it can't.
func (h Host) virtualization(vmType string) Probe {
	return func(ctx context.Context) Result {
		if h.OS != "darwin" {
			return failed("VMs of the type "+vmType+" don't run here", "they need macOS",
				"use QEMU: --vm-type "+limatype.QEMU)
		}
		value, known, err := h.sysctl(ctx, "kern.hv_support")
		evidence := fmt.Sprintf("kern.hv_support is %q", value)
		switch {
		case err != nil:
			return unknown(err)
		case value == "1" && known:
			return ok("kern.hv_support is 1")
		case !known:
			evidence = "the system has no kern.hv_support: " + value // which means no
		}
		if inVM, err := h.isSet(ctx, "kern.hv_vmm_present"); err == nil && inVM {
			evidence += "; this Mac is itself a VM (kern.hv_vmm_present is 1)"
		}
		return failed("this Mac can't run VMs", evidence,
			"use a Mac that is not a VM, or enable nested virtualization for it; `sysctl -n kern.hv_support` must "+
				"print 1")
	}
}

// homebrew reports which Homebrew there is. Only fixes need one; on Apple silicon, the one for Intel installs a Lima
// for Intel.
func (h Host) homebrew(ctx context.Context) Result {
	brew := h.brew()
	if brew == "" {
		return info("not installed; see https://brew.sh")
	}
	out, err := h.Run(ctx, brew, "--prefix")
	prefix := strings.TrimSpace(out)
	if err != nil {
		return unknown(err)
	}
	apple, err := h.appleSilicon(ctx)
	if err == nil && apple && prefix == "/usr/local" {
		return warning("in %s", prefix).because("this Homebrew is for Intel: on Apple silicon, it installs programs "+
			"that run under Rosetta, where Lima refuses to run",
			"use the one for Apple silicon: https://brew.sh installs it in /opt/homebrew; put /opt/homebrew/bin "+
				"first in PATH")
	}
	return ok("in %s", prefix)
}

// quarantine checks that macOS has not quarantined limactl: it kills such a program until a person approves it.
func (h Host) quarantine(ctx context.Context) Result {
	path, err := h.limactlProgram(ctx)
	if err != nil {
		return info("there is no limactl yet")
	}
	attributes, err := h.Run(ctx, "xattr", path)
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		return unknown(err)
	}
	if !strings.Contains(attributes, "com.apple.quarantine") {
		return ok("none")
	}
	command := []string{"xattr", "-d", "com.apple.quarantine", path}
	return failed("macOS holds limactl in quarantine",
		path+" is marked as a download; macOS kills it unless it is notarized",
		"if you trust its source: "+shellescape.QuoteCommand(command)).fixable("", command...)
}

// vzEntitlement is what macOS requires of a program that creates VMs.
const vzEntitlement = "com.apple.security.virtualization"

// entitlement checks that limactl's signature lets it create VMs. Package managers that sign it again lose that. Only a
// macOS program has a signature; of a script, or a shim that can't be followed, nothing is known.
func (h Host) entitlement(ctx context.Context) Result {
	path, err := h.limactlProgram(ctx)
	if err != nil {
		return unknown(err)
	}
	file := h.real(path)
	content, err := h.Read(file)
	if err != nil {
		return unknown(err)
	}
	name := filepath.Base(file)
	if len(machOCPUs(content)) == 0 || name != "limactl" && name != ".limactl-wrapped" {
		return info("%s is not limactl itself: what it calls is not known", file)
	}
	entitled, err := h.entitled(ctx, path)
	if !entitled { // of a build with external drivers, the driver creates the VMs
		driver := filepath.Join(filepath.Dir(filepath.Dir(file)), "libexec/lima/lima-driver-vz")
		if _, statErr := h.Stat(driver); statErr == nil {
			path = driver
			entitled, err = h.entitled(ctx, driver)
		}
	}
	unsigned := func(what, why string) Result {
		return h.fixLima(failed(what, why, "install Lima again: "+h.limaAdvice("reinstall")), "reinstall")
	}
	_, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case exited:
		return unsigned("limactl has no valid signature", err.Error())
	case err != nil:
		return unknown(err)
	case !entitled:
		return unsigned("limactl may not create VMs", path+" lacks the entitlement "+vzEntitlement)
	}
	return ok("%s", vzEntitlement)
}

// entitled reports whether the signature of a program lets it create VMs; it is an exec.ExitError that there is none.
func (h Host) entitled(ctx context.Context, path string) (bool, error) {
	// Older versions of codesign don't know --xml. Both forms contain the name, and this one works everywhere.
	out, err := h.Run(ctx, "codesign", "-d", "--entitlements", "-", path)
	return err == nil && strings.Contains(out, vzEntitlement), err
}

// limactlProcessor checks that limactl is not a program for Intel on Apple silicon: it refuses to run under Rosetta.
func (h Host) limactlProcessor(ctx context.Context) Result {
	apple, err := h.appleSilicon(ctx)
	if err != nil {
		return unknown(err)
	}
	path, err := h.limactlFile(ctx)
	if err != nil {
		return unknown(err)
	}
	content, err := h.Read(path)
	if err != nil {
		return unknown(err)
	}
	cpus := machOCPUs(content)
	if len(cpus) == 0 {
		return info("%s is not a macOS program; it may be a script that calls one", path)
	}
	if i := slices.IndexFunc(cpus, func(cpu macho.Cpu) bool { return (cpu == macho.CpuArm64) == apple }); i >= 0 {
		return ok("%v", cpus[i])
	}
	return h.wrongProcessor(path, cpus[0])
}

func (h Host) wrongProcessor(path string, cpu macho.Cpu) Result {
	if cpu == macho.CpuArm64 {
		return failed("Lima is for Apple silicon, and this Mac has an Intel processor",
			fmt.Sprintf("%s is for %v", path, cpu), "install Lima for Intel: "+h.limaAdvice("reinstall"))
	}
	const brew = brewAppleSilicon
	what := "Lima is for Intel, and would run under Rosetta"
	why := fmt.Sprintf("%s is for %v, and this is Apple silicon", path, cpu)
	if _, err := h.Find(brew); err != nil {
		return failed(what, why, "install Homebrew for Apple silicon from https://brew.sh in a native shell "+
			"(arch -arm64 /bin/zsh), then: "+brew+" install lima")
	}
	const next = "install Lima for Apple silicon: arch -arm64 " + brew + " install lima; " +
		"and put /opt/homebrew/bin first in PATH"
	const note = `put Homebrew for Apple silicon first in PATH: eval "$(/opt/homebrew/bin/brew shellenv)"`
	return failed(what, why, next).fixable(note, "arch", "-arm64", brew, "install", "lima")
}

// machOCPUs returns the processors that a macOS program is for; none for anything else.
func machOCPUs(content []byte) (cpus []macho.Cpu) {
	if fat, err := macho.NewFatFile(bytes.NewReader(content)); err == nil {
		for _, arch := range fat.Arches {
			cpus = append(cpus, arch.Cpu)
		}
		return cpus
	}
	if thin, err := macho.NewFile(bytes.NewReader(content)); err == nil {
		return []macho.Cpu{thin.Cpu}
	}
	return nil
}
