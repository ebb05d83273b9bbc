#!/bin/bash
# Builds the guest image of a real VM. Runs as root.
#
#   image.sh ARCH GUEST OUT      OUT exists and is empty
#
# GUEST is a suite, or SUITE-ubuntu for one that is set up as Ubuntu's cloud images are.
# Leaves disk.qcow2, vmlinuz and initrd.img in OUT. There is no boot loader:
# Lima starts the kernel itself.
set -euo pipefail
umask 022
PATH=$PATH:/usr/sbin:/sbin

arch=$1 guest=$2 out=$3
recipe=$(cd "$(dirname "$0")" && pwd)

work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
# mktemp makes 0700, which the guest's own root directory must not be.
install -d -m 0755 "$work/root"

"$recipe/tree.sh" "$arch" "${guest%-ubuntu}" "$work/root" "$recipe/packages.txt" "$recipe/packages-vm.txt"
case $guest in *-ubuntu) "$recipe/ubuntu.sh" "$work/root" ;; esac

# cloud-init looks once for Lima's data. Under emulation the driver of the CD-ROM that holds them may be loaded a second
# later, and the guest would boot without Lima's user.
install -d -m 0755 "$work/root/etc/systemd/system/cloud-init-local.service.d"
cat >"$work/root/etc/systemd/system/cloud-init-local.service.d/wait-for-data.conf" <<'UNIT'
[Service]
ExecStartPre=-/usr/bin/udevadm wait --timeout=60 /dev/disk/by-label/cidata
UNIT

cp "$work"/root/boot/vmlinuz-* "$out/vmlinuz"
cp "$work"/root/boot/initrd.img-* "$out/initrd.img"
rm -f "$work"/root/boot/initrd.img-*

# Lima grows the disk and cloud-init the file system.
truncate -s 3G "$work/disk.raw"
mke2fs -q -t ext4 -L worldsetup-root -E lazy_itable_init=1,lazy_journal_init=1 -d "$work/root" "$work/disk.raw"
qemu-img convert -O qcow2 "$work/disk.raw" "$out/disk.qcow2"
chmod 0644 "$out/disk.qcow2" "$out/vmlinuz" "$out/initrd.img"
