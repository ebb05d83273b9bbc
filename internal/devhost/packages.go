package devhost

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// runPackages are the Debian packages that Lima needs to run a VM.
func runPackages(goarch string) []string {
	qemu := "qemu-system-x86"
	if goarch == "arm64" {
		qemu = "qemu-system-arm"
	}
	return []string{
		qemu,
		"qemu-utils",          // qemu-img
		"openssh-client",      // how Lima reaches the guest
		"openssh-sftp-server", // serves the mounts
		"sudo",
		"ca-certificates",
	}
}

// imagePackages are the Debian packages that build the guest image.
func imagePackages() []string {
	return []string{"mmdebstrap", "debian-archive-keyring", "e2fsprogs", "qemu-utils"}
}

// NeedPackages installs those of the packages that are missing, and touches nothing when none is.
func (h *Host) NeedPackages(ctx context.Context, packages []string) error {
	if _, err := exec.LookPath("dpkg-query"); err != nil {
		return fmt.Errorf("this is no Debian or Ubuntu: install what these packages hold, and limactl, by hand: %s",
			strings.Join(packages, " "))
	}
	missing, err := missingPackages(ctx, packages)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		return nil
	}
	h.logf("packages: installing %s", strings.Join(missing, " "))
	started := time.Now()
	if err := h.privileged(ctx, "apt-get", "-qq", "update"); err != nil {
		return fmt.Errorf("refresh the package lists: %w", err)
	}
	args := append([]string{"DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qq", "-y",
		"--no-install-recommends"}, missing...)
	if err := h.privileged(ctx, "env", args...); err != nil {
		return fmt.Errorf("install packages: %w", err)
	}
	h.logf("packages: installed in %s", seconds(started))
	return nil
}

// missingPackages asks dpkg which of the packages are not installed.
func missingPackages(ctx context.Context, packages []string) ([]string, error) {
	args := append([]string{"-W", "-f", "${db:Status-Abbrev}${Package}\n"}, packages...)
	out, err := exec.CommandContext(ctx, "dpkg-query", args...).Output()
	// 1: some are unknown to it
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !(ok && exit.ExitCode() == 1) {
		return nil, fmt.Errorf("ask dpkg for installed packages: %w", err)
	}
	return notInstalled(string(out), packages), nil
}

// notInstalled reads dpkg-query's lines, such as "ii sudo": the second letter tells what is, the first what is wanted.
func notInstalled(lines string, packages []string) []string {
	installed := map[string]bool{}
	for line := range strings.Lines(lines) {
		if fields := strings.Fields(line); len(fields) == 2 && strings.HasSuffix(fields[0], "i") {
			installed[fields[1]] = true
		}
	}
	var missing []string
	for _, name := range packages {
		if !installed[name] {
			missing = append(missing, name)
		}
	}
	return missing
}

func seconds(since time.Time) time.Duration { return time.Since(since).Round(time.Second) }
