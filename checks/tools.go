package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// limactlDeadline bounds `limactl --version`: normally it takes 0.05 s, and a few seconds when a Mac scans a new
// program.
const limactlDeadline = 15 * time.Second

// Limactl checks that limactl is installed, answers, and is not too old.
func Limactl(client lima.Client) Check { return Here().limactl(client) }

func (h Host) limactl(client lima.Client) Check {
	return Check{
		ID: LimactlWorks, Title: "Lima",
		Requires: []string{"host-user"}, // to root, limactl reports nothing else
		Deadline: limactlDeadline,
		Late: "check whether `limactl --version` answers in a terminal; if it hangs there too, install Lima again: " +
			h.limaAdvice("reinstall"),
		Probe: func(ctx context.Context) Result {
			version, err := client.Version(ctx)
			if unreleased, ok := errors.AsType[*lima.UnreleasedError](err); ok {
				return warning("limactl %s", unreleased.Version).because(
					"this Lima is not a release, so its age is unknown; worldsetup needs "+
						lima.MinimumVersion.String()+" or newer", "if something fails, use a release: "+h.limaAdvice("install"))
			}
			if err != nil {
				return h.limactlProblem(err)
			}
			if version.LessThan(*lima.MinimumVersion) {
				return h.fixLima(failed(fmt.Sprintf("Lima %s is too old", version),
					fmt.Sprintf("worldsetup needs %s or newer", lima.MinimumVersion),
					"upgrade it: "+h.limaAdvice("upgrade")), "upgrade")
			}
			if h.OS == "darwin" && version.LessThan(*lima21) {
				return warning("limactl %s", version).because("Lima 2.0 powers off a VM that does not shut down within 5 s, and "+
					"mounts a changed project only at the second boot (lima#3957)", "upgrade it: "+h.limaAdvice("upgrade"))
			}
			if lima.NewerThanTested(version) {
				return ok("limactl %s, newer than what worldsetup was tested with (%s)", version,
					strings.Join(lima.TestedVersions(), ", "))
			}
			return ok("limactl %s", version)
		},
	}
}

func (h Host) limactlProblem(err error) Result {
	again := "install it again: " + h.limaAdvice("reinstall")
	if _, ok := errors.AsType[*lima.NotInstalledError](err); ok {
		result := failed("Lima is not installed", err.Error(), "install it: "+h.limaAdvice("install"))
		if brew := h.brew(); brew != "" { // other package managers of Linux have no Lima, or an old one
			return result.fixable("", brew, "install", "lima")
		}
		return result
	}
	if killed(err) {
		return h.fixLima(failed("limactl was killed as soon as it started (SIGKILL)",
			"macOS kills a program with a broken signature, or one that security software blocks; elsewhere, memory "+
				"may be full",
			again+"; if that does not help, have your security software allow limactl"), "reinstall")
	}
	if _, ok := errors.AsType[*lima.CommandError](err); ok {
		return h.fixLima(failed("limactl does not work", err.Error(), again), "reinstall")
	}
	return failed("limactl did not print its version", err.Error(),
		"check that `command -v limactl` is Lima's; or "+again)
}

// killed reports whether err is that of a program that was killed by SIGKILL: a shell turns that into the exit code
// 137.
func killed(err error) bool {
	if failure, ok := errors.AsType[*lima.CommandError](err); ok {
		return failure.ExitCode == 128+int(syscall.SIGKILL)
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// guestAgent checks that Lima's own program for the guest is where limactl searches for it: a limactl that was copied
// alone, or one for another processor, lacks it.
func (h Host) guestAgent(arch limatype.Arch) Probe {
	return func(ctx context.Context) Result {
		path, err := h.limactlFile(ctx)
		if err != nil {
			return unknown(err)
		}
		base := filepath.Join(filepath.Dir(filepath.Dir(path)), "share/lima/lima-guestagent.Linux-"+arch)
		for _, name := range []string{base + ".gz", base} {
			if _, err := h.Stat(name); err == nil {
				return ok("%s", name)
			}
		}
		next := "install all of Lima: " + h.limaAdvice("reinstall")
		if arch != limatype.NewArch(h.Arch) {
			next = "install it: " + h.guestAgents()
		}
		return warning("not beside limactl").
			because("Lima's guest agent is missing: there is no "+base+".gz; without it, no VM starts", next)
	}
}

// guestAgents returns what installs Lima's guest agents for other processors, for a person to read.
func (h Host) guestAgents() string {
	if by := h.installedBy(); by != nil && by.program == "port" {
		return "sudo port install lima +additional_guestagents"
	}
	return cmp.Or(h.brew(), "brew") + " install lima-additional-guestagents, or " + fromArchive
}

// sshClient checks that there is an ssh client: both Lima and worldsetup reach the guest through it.
func (h Host) sshClient(context.Context) Result {
	path, err := h.Find("ssh")
	switch {
	case err == nil:
		return ok("%s", path)
	case h.OS == "darwin":
		return failed("there is no ssh client", err.Error(),
			"add /usr/bin, where macOS has it, to PATH: export PATH=/usr/bin:$PATH")
	}
	return h.missing("there is no ssh client", err.Error(), ssh)
}
