#!/bin/bash
# Turns a freshly unpacked Debian tree into one that boots quickly under
# software emulation. mmdebstrap runs it last, with the tree as its argument.
set -euo pipefail

root=$1

# The tree's own systemctl: the machine that builds it may have none.
units() { chroot "$root" systemctl --quiet "$@"; }

units enable systemd-networkd.service systemd-resolved.service ssh.service
# cloud-init's own units are named otherwise from Debian 13 on.
for unit in cloud-init-local cloud-init cloud-init-main cloud-init-network cloud-config cloud-final; do
  if [ -e "$root/usr/lib/systemd/system/$unit.service" ] || [ -e "$root/lib/systemd/system/$unit.service" ]; then
    units enable "$unit.service"
  fi
done

# None of these serves a short-lived guest without internet, and under
# emulation each costs seconds of the first boot.
units mask \
  apt-daily.timer apt-daily.service apt-daily-upgrade.timer apt-daily-upgrade.service \
  dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer \
  systemd-timesyncd.service systemd-journal-flush.service systemd-random-seed.service \
  cloud-init-hotplugd.socket systemd-pstore.service \
  dnsmasq.service nftables.service

ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
printf 'localhost\n' >"$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
printf 'LABEL=worldsetup-root / ext4 defaults,noatime 0 0\n' >"$root/etc/fstab"

# Each guest makes these for itself.
: >"$root/etc/machine-id"
rm -f "$root"/etc/ssh/ssh_host_*

rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb
rm -f "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old
