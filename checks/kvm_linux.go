package checks

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// From linux/kvm.h, whose interface has had the version 12 ever since Linux 2.6.22.
const (
	kvmGetAPIVersion = 0xae00
	kvmCreateVM      = 0xae01
	kvmAPIVersion    = 12
)

// kvm makes an empty VM through /dev/kvm and drops it again. The error is an fs.ErrNotExist or fs.ErrPermission where it
// is about the file.
func kvm() error { return kvmAt("/dev/kvm") }

func kvmAt(path string) error {
	device, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer device.Close()
	version, err := ioctl(device, kvmGetAPIVersion)
	if err != nil {
		return fmt.Errorf("it does not say its version: %w", err)
	}
	if version != kvmAPIVersion {
		return fmt.Errorf("its version is %d, and QEMU needs %d", version, kvmAPIVersion)
	}
	vm, err := ioctl(device, kvmCreateVM)
	if err != nil {
		return fmt.Errorf("it makes no VM: %w", err)
	}
	return unix.Close(vm)
}

// ioctl is repeated when a signal interrupted it: Go's runtime sends them to its own threads at any time.
func ioctl(file *os.File, request uint) (int, error) {
	for {
		value, err := unix.IoctlRetInt(int(file.Fd()), request)
		if !errors.Is(err, unix.EINTR) {
			return value, err
		}
	}
}
