package devhost

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	cmd := exec.CommandContext(ctx, filepath.Join(h.Source, "scripts", "ensure-packages.sh"), packages...)
	cmd.Stdin = os.Stdin // sudo may have to ask
	cmd.Stdout, cmd.Stderr = h.Log, h.Log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("install packages: %w", err)
	}
	return nil
}

func seconds(since time.Time) time.Duration { return time.Since(since).Round(time.Second) }
