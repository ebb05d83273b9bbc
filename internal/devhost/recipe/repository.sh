#!/bin/bash
# Gives a guest's file tree a package repository of its own, so that packages can be reinstalled without a network.
# mmdebstrap runs it with the tree as its argument, while the tree still knows the mirror.
set -euo pipefail

root=$1
place=srv/worldsetup-packages

# What the world agent needs at run time (see packages.txt), with what it depends on.
wanted=(conntrack curl dnsmasq-base fuse-overlayfs fuse3 iproute2 jq nftables)
needed=$(chroot "$root" dpkg-query -W -f '${Depends}\n' "${wanted[@]}" | tr ',' '\n' | sed 's/[ (|:].*//; s/^ //' | sort -u)
libraries=$(chroot "$root" dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' 2>/dev/null |
  awk '$2 == "ii" { print $1 }' | grep -Fx "$needed" | grep -E '^lib(jq|onig|netfilter|nft|fuse|mnl|nfnet)' || true)

rm -f "$root"/var/cache/apt/archives/*.deb
# This machine's apt, with the tree's configuration: a tree may not be able to resolve names.
# shellcheck disable=SC2086 # one word a library
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -qq -y --download-only --reinstall --no-install-recommends \
  install "${wanted[@]}" $libraries >/dev/null
mkdir -p "$root/$place"
mv "$root"/var/cache/apt/archives/*.deb "$root/$place/"

cd "$root/$place"
for deb in *.deb; do
  dpkg-deb -f "$deb"
  printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum <"$deb" | cut -d' ' -f1)"
done >Packages
echo "deb [trusted=yes] file:/$place ./" >"$root/etc/apt/sources.list.d/worldsetup.list"
