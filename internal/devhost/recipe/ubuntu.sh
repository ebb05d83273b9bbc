#!/bin/bash
# Sets up a Debian guest's file tree as Ubuntu's cloud images are: sshd by socket activation, packages of the world
# missing, apt's timers at work, and where they are installed sudo-rs and the Rust coreutils, as from 25.10 on.
set -euo pipefail

root=$1
units() { chroot "$root" systemctl --quiet "$@"; }

units disable ssh.service
units enable ssh.socket

chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y purge conntrack dnsmasq-base fuse-overlayfs jq >/dev/null

# apt's own timers, which on a new machine fire in the first minutes.
units unmask apt-daily.timer apt-daily.service apt-daily-upgrade.timer apt-daily-upgrade.service
units enable apt-daily.timer apt-daily-upgrade.timer
mkdir -p "$root/etc/systemd/system/apt-daily.timer.d"
printf '[Timer]\nOnBootSec=2s\nRandomizedDelaySec=0\n' >"$root/etc/systemd/system/apt-daily.timer.d/soon.conf"
printf 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n' \
  >"$root/etc/apt/apt.conf.d/20auto-upgrades"

if [ -d "$root/usr/lib/cargo/bin/coreutils" ]; then
  for program in "$root"/usr/lib/cargo/bin/coreutils/*; do
    name=$(basename "$program")
    [ ! -e "$root/usr/bin/$name" ] || ln -sf "../lib/cargo/bin/coreutils/$name" "$root/usr/bin/$name"
  done
fi
if [ -e "$root/usr/lib/cargo/bin/sudo" ]; then
  ln -sf ../lib/cargo/bin/sudo "$root/usr/bin/sudo"
fi
