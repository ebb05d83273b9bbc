//go:build linux

package main

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

// The descriptors of the container's first process: the same files as the helper's, without the control connection.
const (
	diskFD    = wire.DiskFD - 1
	cidataFD  = wire.CidataFD - 1
	consoleFD = wire.ConsoleFD - 1
)

// mountPoint is an empty folder beside the root file systems, which the suite makes.
const mountPoint = ".mnt"

// becomeInit builds the guest's root file system and becomes its init.
func becomeInit(lower string) error {
	// The group was entered when this process was made; only from now on is it the root of a namespace.
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("make a namespace of control groups: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	work := filepath.Join(roots, mountPoint)
	if err := unix.Mount("tmpfs", work, "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mount on %s: %w", work, err)
	}
	root, device, err := mountRoot(lower, work)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"make its network", makeNetwork},
		{"mount its kernel file systems", func() error { return mountKernelFiles(root) }},
		{"make its devices", func() error { return makeDevices(root, device) }},
		{"shield this machine's kernel from it", func() error { return shieldKernel(root) }},
		{"unpack cidata", func() error { return unpackCidata(root) }},
		{"adapt it to a container", func() error { return adapt(root) }},
		{"drop capabilities", dropCapabilities},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return enter(root)
}

// mountRoot lays what the guest writes, which is a file system in the disk image, over the shared root file system.
func mountRoot(lower, work string) (root string, device uint64, err error) {
	node, device, err := attachLoop(diskFD, work)
	if err != nil {
		return "", 0, fmt.Errorf("attach the disk image to a loop device: %w", err)
	}
	disk, root := filepath.Join(work, "disk"), filepath.Join(work, "root")
	if err := makeDirs(disk, root); err != nil {
		return "", 0, err
	}
	if err := formatOnce(node); err != nil {
		return "", 0, err
	}
	if err := unix.Mount(node, disk, "ext4", unix.MS_NOATIME, ""); err != nil {
		return "", 0, fmt.Errorf("mount the disk image: %w", err)
	}
	if err := makeDirs(disk+"/upper", disk+"/work"); err != nil {
		return "", 0, err
	}
	layers := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", lower, disk, disk)
	if err := unix.Mount("/dev/root", root, "overlay", unix.MS_NOATIME, layers); err != nil {
		return "", 0, fmt.Errorf("mount the root file system: %w", err)
	}
	return root, device, nil
}

// formatOnce makes a file system on a disk that has none yet.
func formatOnce(node string) error {
	device, err := os.Open(node)
	if err != nil {
		return err
	}
	defer device.Close()
	magic := make([]byte, 2)
	if _, err := device.ReadAt(magic, 1024+56); err != nil { // the place of ext4's superblock, and of the number in it
		return err
	}
	if magic[0] == 0x53 && magic[1] == 0xef {
		return nil
	}
	return run("mke2fs", "-q", "-F", "-t", "ext4", "-m", "1", "-E",
		"lazy_itable_init=1,lazy_journal_init=1,nodiscard", node)
}

// attachLoop makes a file a block device that is gone when its last mount is. Its node is made in dir, since this
// machine may have none for it.
func attachLoop(file int, dir string) (node string, device uint64, err error) {
	controlNode := filepath.Join(dir, "loop-control")
	if err := unix.Mknod(controlNode, unix.S_IFCHR|0o600, int(unix.Mkdev(10, 237))); err != nil {
		return "", 0, err
	}
	control, err := os.OpenFile(controlNode, os.O_RDWR, 0)
	if err != nil {
		return "", 0, err
	}
	defer control.Close()
	const attempts = 20 // another program may be faster with the free one
	for range attempts {
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return "", 0, err
		}
		node, device = filepath.Join(dir, fmt.Sprintf("loop%d", number)), unix.Mkdev(7, uint32(number))
		if err := unix.Mknod(node, unix.S_IFBLK|0o600, int(device)); err != nil && !errors.Is(err, os.ErrExist) {
			return "", 0, err
		}
		loop, err := unix.Open(node, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return "", 0, err
		}
		config := unix.LoopConfig{Fd: uint32(file), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR}}
		// It stays open until init is run: by then it is mounted.
		if err = unix.IoctlLoopConfigure(loop, &config); !errors.Is(err, unix.EBUSY) {
			return node, device, err
		}
		_ = unix.Close(loop)
	}
	return "", 0, unix.EBUSY
}

// makeNetwork makes a network of two ends, both in this namespace: this machine gets no address, route or name by it.
func makeNetwork() error {
	for _, command := range []string{
		"link set lo up",
		"link add eth0 address 52:55:55:00:00:15 type veth peer name wire",
		"link set wire addrgenmode none",
		"link set wire up",
		"link set eth0 up",
	} {
		if err := run("ip", strings.Fields(command)...); err != nil {
			return err
		}
	}
	return nil
}

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

func makeDirs(dirs ...string) error {
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// dropCapabilities gives up those that reach this machine's kernel: its clock, modules, ports, log and security policy.
func dropCapabilities() error {
	for _, capability := range []uintptr{
		unix.CAP_SYS_TIME, unix.CAP_SYS_MODULE, unix.CAP_SYS_RAWIO, unix.CAP_SYSLOG,
		unix.CAP_MAC_ADMIN, unix.CAP_MAC_OVERRIDE,
	} {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil {
			return err
		}
	}
	return nil
}

// enter makes root the root of everything and runs its init on the console.
func enter(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	for fd := range 3 {
		if err := unix.Dup3(consoleFD, fd, 0); err != nil {
			return err
		}
	}
	for _, fd := range []int{diskFD, cidataFD, consoleFD} {
		syscall.CloseOnExec(fd)
	}
	return unix.Exec("/sbin/init", []string{"/sbin/init"},
		[]string{"PATH=" + searchPath, "container=worldsetup-test-bed", "TERM=dumb"})
}
