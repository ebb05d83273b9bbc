//go:build linux

// Package wire is what the stand-in for QEMU and its root helper send each other.
//
// The rules are:
//   - They share one SOCK_SEQPACKET pair. The stand-in sends requests of one byte; only [Socket] is answered, in order.
//   - The end of the connection means that the stand-in is gone: the helper then ends the guest and itself.
//   - Every file of the user's is opened by the stand-in, as the user, and passed as a descriptor. The helper opens no
//     path that comes from its caller.
package wire

import "os"

// The descriptors that the helper is started with.
const (
	ControlFD = 3 + iota // the helper's end of the connection
	DiskFD               // the VM's disk image, open for reading and writing
	CidataFD             // the files of Lima's cidata image, as a tar archive
	ConsoleFD            // the terminal that becomes the guest's console
)

// The requests.
const (
	PowerDown = 'd' // press the power button
	Kill      = 'k' // take the power away
	Socket    = 's' // make a TCP socket in the guest's network, unconnected
)

// The answers to Socket.
const (
	Made   = 'y' // with the socket as a descriptor
	Absent = 'n' // there is no guest at the moment
)

// GuestAddress and GuestPort are where the guest's ssh server listens. The address is the one that Lima's own user-mode
// network gives every VM.
const (
	GuestAddress = "192.168.5.15"
	GuestPort    = 22
)

// RootArgument is the word of the kernel's command line that names the root file system.
const RootArgument = "worldsetup.root="

// Group is the control group of the guest of the stand-in with this process id.
func Group(pid string) string {
	base := "/sys/fs/cgroup"
	if _, err := os.Stat(base + "/unified/cgroup.procs"); err == nil {
		base += "/unified" // a machine with both versions of control groups
	}
	return base + "/worldsetup-bed-" + pid
}
