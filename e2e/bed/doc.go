// Package bed makes real worlds in seconds: an unmodified Lima starts a stand-in for QEMU, and the VM is a container in
// which the guest's own systemd, sshd, sudo and cloud-init run. It is a test bed: worldsetup never offers it to its
// users.
//
// The rules are:
//   - Everything of Lima's stays real: limactl, its host agent, ssh connections, forwards, mounts, boot scripts and the
//     guest agent. One line of what Lima gives the guest is changed, which mounts a disc that is unpacked here instead.
//   - What a container can't show is left to the real VM: the kernel, block devices, the boot loader, the clock.
//   - It needs root, and reports what is missing where it can't run. It leaves nothing behind: the guest ends with the
//     stand-in, its mounts, network and loop device with the guest, and what a killed suite left goes with the next
//     one.
//   - While a suite runs, one program of it is setuid root, for the user that plays the developer. Never run it on a
//     machine with users that you don't trust.
package bed
