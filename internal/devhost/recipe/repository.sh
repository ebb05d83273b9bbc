#!/bin/bash
# Gives a guest's file tree a package repository of its own, so that packages can be reinstalled without a network.
# mmdebstrap runs it with the tree as its argument, while the tree still knows the mirror.
set -euo pipefail

root=$1
place=srv/worldsetup-packages

# What the world agent needs at run time, see packages.txt. Their libraries stay when one of them is removed.
wanted=(conntrack curl dnsmasq-base fuse-overlayfs fuse3 iproute2 jq nftables)

rm -f "$root"/var/cache/apt/archives/*.deb
# This machine's apt, with the tree's configuration: a tree may not be able to resolve names.
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq -y --download-only --reinstall --no-install-recommends \
  install "${wanted[@]}" >/dev/null
mkdir -p "$root/$place"
mv "$root"/var/cache/apt/archives/*.deb "$root/$place/"

cd "$root/$place"
for deb in *.deb; do
  dpkg-deb -f "$deb"
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum <"$deb" | cut -d' ' -f1)"
done >Packages
echo "deb [trusted=yes] file:/$place ./" >"$root/etc/apt/sources.list.d/worldsetup.list"
