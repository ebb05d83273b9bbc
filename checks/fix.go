package checks

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/process"
)

// fixDeadline bounds a fix: installing QEMU takes half a minute on a good network, and Homebrew may compile for a while.
const fixDeadline = 15 * time.Minute

// String returns the command as a person would type it.
func (f *FixInfo) String() string { return shellescape.QuoteCommand(f.Command) }

// AsRoot says whether the command calls sudo. Apply gives it no terminal to ask for a password at: a caller that has
// one runs `sudo -v` on it first.
func (f *FixInfo) AsRoot() bool { return len(f.Command) > 0 && f.Command[0] == "sudo" }

// Apply runs check, the fix of what Failed, and check again, and returns the last result. line gets the command and what
// it prints; it may be nil. Without a failure, or without a fix, nothing is changed.
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
		after.Problem = notFixed(*after.Problem, before.Fix, fixErr)
	}
	return after
}

// notFixed returns the problem that is left after its fix, with what a person has to do now.
func notFixed(problem Problem, fix *FixInfo, err error) *Problem {
	switch {
	case err != nil:
		problem.Why = strings.TrimPrefix(problem.Why+"\n", "\n") + fmt.Sprintf("%s failed: %v", fix, err)
		problem.Next = "run it yourself and read what it prints: " + fix.String()
	case fix.Note != "":
		problem.Why = strings.TrimPrefix(problem.Why+"\n", "\n") + fix.String() + " was run"
		problem.Next = fix.Note
	}
	return &problem
}

// runHere runs command on this machine, without a terminal: sudo must not ask for a password there, or it would stop for
// ever as a background process.
func runHere(ctx context.Context, command []string, line func(string)) error {
	args := command[1:]
	if command[0] == "sudo" {
		args = append([]string{"-n"}, args...)
	}
	cmd := process.Command(ctx, command[0], args...)
	output := &lines{each: line}
	cmd.Stdout, cmd.Stderr = output, output
	err := process.Run(cmd)
	output.flush()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil && output.last != "" {
		return fmt.Errorf("%w: %s", err, output.last)
	}
	return err
}

// lines passes on each line that is written to it, and keeps the last one that is not blank.
type lines struct {
	each          func(string)
	partial, last string
}

func (l *lines) Write(p []byte) (int, error) {
	l.partial += string(p)
	for {
		line, rest, found := strings.Cut(l.partial, "\n")
		if !found {
			return len(p), nil
		}
		l.partial = rest
		l.add(strings.TrimRight(line, "\r"))
	}
}

func (l *lines) add(line string) {
	if strings.TrimSpace(line) != "" {
		l.last = line
	}
	l.each(line)
}

func (l *lines) flush() {
	if l.partial != "" {
		l.add(l.partial)
	}
}

// Homebrew's two homes on a Mac (docs.brew.sh/Installation). A PATH without them is common on Apple silicon.
const (
	brewAppleSilicon = "/opt/homebrew/bin/brew"
	brewIntel        = "/usr/local/bin/brew"
)

// brew returns Homebrew's program: its name when it is in PATH, its path in one of its usual homes otherwise.
func (h Host) brew() string {
	places := []string{"brew"}
	if h.OS == "darwin" && h.Arch != "amd64" {
		places = append(places, brewAppleSilicon)
	}
	if h.OS == "darwin" {
		places = append(places, brewIntel)
	}
	for _, place := range places {
		if _, err := h.Find(place); err == nil {
			return place
		}
	}
	return ""
}

// brewLima returns the command that installs, upgrades or reinstalls Lima, for a person to read.
func (h Host) brewLima(verb string) string {
	brew := h.brew()
	if h.OS == "darwin" && brew == "" && verb == "install" {
		return "first Homebrew, as https://brew.sh says, then: brew install lima"
	}
	return fmt.Sprintf("%s %s lima, or as https://lima-vm.io/docs/installation/ says", cmp.Or(brew, "brew"), verb)
}

// fixLima makes finding fixable by what Homebrew does, as in "upgrade", with a Lima that Homebrew has installed.
func (h Host) fixLima(finding Finding, verb string) Finding {
	path, err := h.limactlFile()
	if brew := h.brew(); brew != "" && err == nil && strings.Contains(path, "/Cellar/") {
		return finding.fixable("", brew, verb, "lima")
	}
	return finding
}

// managers are the known package managers on Linux: how each installs something, how it does so unasked, and what each
// tool's packages are called. QEMU's include firmware, since guests boot by UEFI.
var managers = []struct {
	program, install, yes string
	packages              map[tool]string
}{
	{"apt-get", "sudo apt-get install ", "--yes", map[tool]string{
		ssh: "openssh-client", virtiofsd: "virtiofsd",
		qemuX86: "qemu-system-x86 qemu-utils ovmf", qemuARM: "qemu-system-arm qemu-utils qemu-efi-aarch64",
	}},
	{"dnf", "sudo dnf install ", "--assumeyes", map[tool]string{
		ssh: "openssh-clients", virtiofsd: "virtiofsd",
		qemuX86: "qemu-system-x86 qemu-img edk2-ovmf", qemuARM: "qemu-system-aarch64 qemu-img edk2-aarch64",
	}},
	{"pacman", "sudo pacman -S ", "--noconfirm", map[tool]string{
		ssh: "openssh", virtiofsd: "virtiofsd",
		qemuX86: "qemu-system-x86 qemu-img edk2-ovmf", qemuARM: "qemu-system-aarch64 qemu-img edk2-aarch64",
	}},
	{"zypper", "sudo zypper install ", "--no-confirm", map[tool]string{
		ssh: "openssh-clients", virtiofsd: "virtiofsd",
		qemuX86: "qemu-x86 qemu-img qemu-ovmf-x86_64", qemuARM: "qemu-arm qemu-img qemu-uefi-aarch64",
	}},
}

// tool is something that a package manager can install. On a Mac, only QEMU is missing ever.
type tool int

const (
	ssh tool = iota
	qemuX86
	qemuARM
	virtiofsd
)

// missing returns the finding about a program that is not installed, with the command that installs it here.
func (h Host) missing(what, why string, wanted tool) Finding {
	if h.OS == "darwin" {
		finding := failed(what, why, "install it: brew install qemu")
		if brew := h.brew(); brew != "" {
			return finding.fixable("", brew, "install", "qemu")
		}
		return finding
	}
	for _, manager := range managers {
		if _, err := h.Find(manager.program); err == nil {
			names := manager.packages[wanted]
			return failed(what, why, "install it: "+manager.install+names).
				fixable("", strings.Fields(manager.install+manager.yes+" "+names)...)
		}
	}
	return failed(what, why, "install it with your package manager; on Debian and Ubuntu: sudo apt-get install "+managers[0].packages[wanted])
}
