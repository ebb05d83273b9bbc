#!/bin/bash
# Builds the guest image into a directory. Runs as root.
#
#   build.sh ARCH OUT      ARCH is amd64 or arm64; OUT exists and is empty
#
# Leaves disk.qcow2, vmlinuz and initrd.img in OUT. There is no boot loader:
# Lima starts the kernel itself.
set -euo pipefail
umask 022
PATH=$PATH:/usr/sbin:/sbin

arch=$1
out=$2
recipe=$(cd "$(dirname "$0")" && pwd)
label=worldsetup-root

work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
# mktemp makes 0700, which the guest's own root directory must not be.
install -d -m 0755 "$work/root"

packages=$(sed -e 's/#.*//' -e "s/ARCH/$arch/" "$recipe/packages.txt" | xargs | tr ' ' ,)

# A proxy that apt uses on this machine holds for the guest's packages too.
aptopts=()
for scheme in http https; do
  proxy=
  eval "$(apt-config shell proxy "Acquire::$scheme::Proxy")"
  [ -z "$proxy" ] || aptopts+=("--aptopt=Acquire::$scheme::Proxy \"$proxy\"")
done

mmdebstrap \
  --mode=root --variant=apt --architectures="$arch" --include="$packages" \
  --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
  --aptopt='Acquire::Retries "3"' "${aptopts[@]}" \
  --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --setup-hook="cp -r '$recipe/overlay/.' \"\$1\"/" \
  --customize-hook="'$recipe/customize.sh' \"\$1\"" \
  bookworm "$work/root"

cp "$work"/root/boot/vmlinuz-* "$out/vmlinuz"
cp "$work"/root/boot/initrd.img-* "$out/initrd.img"
rm -f "$work"/root/boot/initrd.img-*

# Lima grows the disk and cloud-init the file system.
truncate -s 3G "$work/disk.raw"
mke2fs -q -t ext4 -L "$label" -E lazy_itable_init=1,lazy_journal_init=1 -d "$work/root" "$work/disk.raw"
qemu-img convert -O qcow2 "$work/disk.raw" "$out/disk.qcow2"
chmod 0644 "$out/disk.qcow2" "$out/vmlinuz" "$out/initrd.img"
