//go:build linux

package bed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/e2e/bed/wire"
)

// possible reports what of this machine's kernel is missing, or not allowed here.
func possible() error {
	systems, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range []string{"overlay", "ext4", "cgroup2", "fuse"} {
		if !strings.Contains(string(systems), "\t"+name+"\n") {
			errs = append(errs, fmt.Errorf("the kernel has no file system %s", name))
		}
	}
	if group := filepath.Dir(wire.Group("0")); unix.Access(filepath.Join(group, "cgroup.procs"), unix.W_OK) != nil {
		errs = append(errs, fmt.Errorf("%s is no writable tree of control groups (version 2)", group))
	}
	dir, err := os.MkdirTemp("", "worldsetup-bed-")
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	defer os.RemoveAll(dir)
	control := filepath.Join(dir, "loop-control")
	if err := unix.Mknod(control, unix.S_IFCHR|0o600, int(unix.Mkdev(10, 237))); err != nil {
		return errors.Join(append(errs, fmt.Errorf("make a device node: %w", err))...)
	}
	if device, err := os.OpenFile(control, os.O_RDWR, 0); err != nil {
		errs = append(errs, fmt.Errorf("no loop devices: %w", err))
	} else {
		device.Close()
	}
	namespaces := exec.Command("true")
	namespaces.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
			unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP,
	}
	if err := namespaces.Run(); err != nil {
		errs = append(errs, fmt.Errorf("make namespaces: %w", err))
	}
	return errors.Join(errs...)
}
