package checks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/process"
)

// fixDeadline bounds a fix: installing QEMU takes half a minute on a good network, and Homebrew may compile for a
// while.
const fixDeadline = 15 * time.Minute

// String returns the command as a person would type it.
func (f *FixInfo) String() string { return shellescape.QuoteCommand(f.Command) }

// AsRoot reports whether the command calls sudo. Apply gives it no terminal to ask for a password at: a caller that has
// one runs `sudo -v` on it first.
func (f *FixInfo) AsRoot() bool { return len(f.Command) > 0 && f.Command[0] == "sudo" }

// Apply runs check, the fix of what Failed, and check again, and returns the last result. line gets the command and
// what it prints; it may be nil. Without a failure, or without a fix, nothing is changed.
func Apply(ctx context.Context, check Check, line func(string)) Result {
	if line == nil {
		line = func(string) {}
	}
	before := check.run(ctx, "")
	if before.Outcome != Failed || before.Fix == nil {
		return before
	}
	line("$ " + before.Fix.String())
	limited, cancel := context.WithTimeoutCause(ctx, fixDeadline, fmt.Errorf("it took longer than %v", fixDeadline))
	defer cancel()
	runFix := check.RunFix
	if runFix == nil {
		runFix = runHere
	}
	fixErr := runFix(limited, before.Fix.Command, line)
	after := check.run(ctx, "")
	if after.Outcome == Failed {
		after.notFixed(before.Fix, fixErr)
	}
	return after
}

// notFixed adds to what is still wrong that its fix was run, and what a person has to do now.
func (r *Result) notFixed(fix *FixInfo, err error) {
	did, next := fix.String()+" was run", fix.Note
	if err != nil {
		did, next = fmt.Sprintf("%s failed: %v", fix, err), "run it yourself and read what it prints: "+fix.String()
	}
	if next != "" {
		r.Why, r.Next = strings.TrimPrefix(r.Why+"\n", "\n")+did, next
	}
}

// runHere runs command on this machine, without a terminal: sudo must not ask for a password there, or it would stop
// for ever as a background process.
func runHere(ctx context.Context, command []string, line func(string)) error {
	args := command[1:]
	if command[0] == "sudo" {
		args = append([]string{"-n"}, args...)
	}
	cmd := process.Command(ctx, command[0], args...)
	output := &process.Lines{Each: line}
	cmd.Stdout, cmd.Stderr = output, output
	err := process.Run(cmd)
	output.Flush()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if last := output.LastLine(); err != nil && last != "" {
		return fmt.Errorf("%w: %s", err, last)
	}
	return err
}

// Homebrew's two homes on a Mac (docs.brew.sh/Installation). A PATH without them is common on Apple silicon.
const (
	brewAppleSilicon = "/opt/homebrew/bin/brew"
	brewIntel        = "/usr/local/bin/brew"
)

// brew returns Homebrew's program: its name when it is in PATH, its path in one of its usual homes otherwise.
func (h Host) brew() string {
	for _, place := range []string{"brew", brewAppleSilicon, brewIntel} {
		if _, err := h.Find(place); err == nil && (place != brewAppleSilicon || h.Arch != "amd64") {
			return place
		}
	}
	return ""
}

// tool is something that a package manager can install.
type tool int

const (
	ssh tool = iota
	virtiofsd
	qemuX86
	qemuARM
	firmwareX86
	firmwareARM
)

// managers are the known package managers on Linux: how each installs something, how it does so unasked, and the
// packages of each tool. QEMU's include firmware, since guests boot by UEFI.
var managers = []struct {
	program, install, yes string
	packages              [6]string
}{
	{"apt-get", "sudo apt-get install ", "--yes", [6]string{"openssh-client", "virtiofsd",
		"qemu-system-x86 qemu-utils ovmf", "qemu-system-arm qemu-utils qemu-efi-aarch64",
		"ovmf", "qemu-efi-aarch64"}},
	{"dnf", "sudo dnf install ", "--assumeyes", [6]string{"openssh-clients", "virtiofsd",
		"qemu-system-x86 qemu-img edk2-ovmf", "qemu-system-aarch64 qemu-img edk2-aarch64",
		"edk2-ovmf", "edk2-aarch64"}},
	{"pacman", "sudo pacman -S ", "--noconfirm", [6]string{"openssh", "virtiofsd",
		"qemu-system-x86 qemu-img edk2-ovmf", "qemu-system-aarch64 qemu-img edk2-aarch64",
		"edk2-ovmf", "edk2-aarch64"}},
	{"zypper", "sudo zypper install ", "--no-confirm", [6]string{"openssh-clients", "virtiofsd",
		"qemu-x86 qemu-img qemu-ovmf-x86_64", "qemu-arm qemu-img qemu-uefi-aarch64",
		"qemu-ovmf-x86_64", "qemu-uefi-aarch64"}},
}

// missing returns the finding about a program that is not installed, with the command that installs it here. On a Mac,
// that can only be QEMU.
func (h Host) missing(what, why string, wanted tool) Result {
	if h.OS == "darwin" {
		result := failed(what, why, "install it: brew install qemu")
		if brew := h.brew(); brew != "" {
			return result.fixable("", brew, "install", "qemu")
		}
		return result
	}
	for _, manager := range managers {
		if _, err := h.Find(manager.program); err == nil {
			names := manager.packages[wanted]
			return failed(what, why, "install it: "+manager.install+names).
				fixable("", strings.Fields(manager.install+manager.yes+" "+names)...)
		}
	}
	return failed(what, why, "install it with your package manager; on Debian and Ubuntu: "+
		managers[0].install+managers[0].packages[wanted])
}
