package checks

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// limactlDeadline is the time that limactl has for saying its version: normally 0.05 s, and a few seconds when a Mac
// examines a new program.
const limactlDeadline = 15 * time.Second

// Limactl checks that limactl is installed, answers, and is not too old.
func Limactl(client lima.Client) Check { return limactl(client, Here()) }

func limactl(client lima.Client, h Host) Check {
	install := h.lima()
	return Check{
		ID: "limactl", Title: "Lima",
		Requires: []string{"host-user"}, // limactl says nothing else to root
		Deadline: limactlDeadline,
		Late:     "see whether `limactl --version` answers in a terminal; if it hangs there too, install Lima again: " + install.again,
		Probe: func(ctx context.Context) Finding {
			version, err := client.Version(ctx)
			if err != nil {
				return limactlProblem(err, install, h)
			}
			if version.LessThan(*lima.MinimumVersion) {
				old := failed(fmt.Sprintf("Lima %s is too old", version),
					fmt.Sprintf("worldsetup needs %s or newer", lima.MinimumVersion), "upgrade it: "+install.upgrade)
				return h.fixLima(old, "upgrade")
			}
			return ok("limactl %s", version)
		},
	}
}

func limactlProblem(err error, install limaCommands, h Host) Finding {
	if missing := (*lima.NotInstalledError)(nil); errors.As(err, &missing) {
		return installLima(failed("Lima is not installed", err.Error(), "install it: "+install.first), install)
	}
	if killed(err) {
		return h.fixLima(failed("limactl was killed as soon as it started (SIGKILL)",
			"on a Mac, that is what happens to a program whose signature is broken, or that security software forbids; elsewhere, memory may have run out",
			fmt.Sprintf("install it again: %s; if that does not help, have your security software allow limactl", install.again)), "reinstall")
	}
	if exit := (*lima.CommandError)(nil); errors.As(err, &exit) {
		return h.fixLima(failed("limactl does not work", err.Error(), "install it again: "+install.again), "reinstall")
	}
	return failed("limactl could not be asked for its version", err.Error(),
		"see that `command -v limactl` is Lima's; to install it again: "+install.again)
}

// installLima makes finding fixable where there is a Homebrew. Other package managers have no Lima, or an old one.
func installLima(finding Finding, install limaCommands) Finding {
	if install.brew == "" {
		return finding
	}
	return finding.fixable("", install.brew, "install", "lima")
}

// killed says whether err tells of a program that was killed by SIGKILL: 137 is what a shell makes of it.
func killed(err error) bool {
	if exit := (*lima.CommandError)(nil); errors.As(err, &exit) {
		return exit.ExitCode == 128+int(syscall.SIGKILL)
	}
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
