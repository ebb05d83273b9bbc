package checks

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// kvmCreateVM is KVM_CREATE_VM of linux/kvm.h; golang.org/x/sys/unix has no name for it.
const kvmCreateVM = 0xae01

// kvm creates an empty VM through the device and drops it again. The error is an fs.ErrNotExist or an fs.ErrPermission
// when it is about the file. It is needed because Lima uses KVM whenever the file exists, and opening it proves
// little: it opens while another hypervisor holds the processor (EBUSY), and so does a file that is no KVM (ENOTTY).
// QEMU would fail only after the VM was created.
func kvm(device string) error {
	file, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	for {
		vm, err := unix.IoctlRetInt(int(file.Fd()), kvmCreateVM)
		if err == nil {
			return unix.Close(vm)
		}
		if !errors.Is(err, unix.EINTR) { // the signals of Go's scheduler interrupt it
			return err
		}
	}
}

// nfs reports whether path is on NFS, as Lima does (its pkg/fsutil).
func nfs(path string) bool {
	var stat unix.Statfs_t
	return unix.Statfs(path, &stat) == nil && stat.Type == unix.NFS_SUPER_MAGIC
}

// inotify begins to watch files and stops at once: the limit reports little about how many others use it up.
func inotify() error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}
