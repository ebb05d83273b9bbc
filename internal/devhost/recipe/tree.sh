#!/bin/bash
# Builds the file tree of a Debian or Ubuntu guest. Runs as root.
#
#   tree.sh ARCH SUITE TREE LIST...
#
# ARCH is amd64 or arm64, SUITE is a Debian suite or Ubuntu's noble, TREE doesn't exist yet. Each LIST names packages,
# one a line; a line that begins with "SUITE:" counts for that suite only.
set -euo pipefail
umask 022
PATH=$PATH:/usr/sbin:/sbin

arch=$1 suite=$2 tree=$3
shift 3
recipe=$(cd "$(dirname "$0")" && pwd)

packages=$(sed -e 's/#.*//' -e "s/ARCH/$arch/" -e "s/^$suite://" -e '/:/d' "$@" | xargs | tr ' ' ,)

# A proxy that apt uses on this machine holds for the guest's packages too.
aptopts=()
for scheme in http https; do
  proxy=
  eval "$(apt-config shell proxy "Acquire::$scheme::Proxy")"
  [ -z "$proxy" ] || aptopts+=("--aptopt=Acquire::$scheme::Proxy \"$proxy\"")
done

keyring=/usr/share/keyrings/debian-archive-keyring.gpg components=main mirror=()
if [ "$suite" = noble ]; then
  keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg components=main,universe mirror=(http://archive.ubuntu.com/ubuntu)
  [ "$arch" = amd64 ] || mirror=(http://ports.ubuntu.com/ubuntu-ports)
fi

# A mirror's copy of sid can be older than its Release file allows.
mmdebstrap \
  --mode=root --variant=apt --architectures="$arch" --include="$packages" \
  --keyring="$keyring" --components="$components" \
  --aptopt='Acquire::Retries "3"' --aptopt='Acquire::Check-Valid-Until "false"' "${aptopts[@]}" \
  --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --setup-hook="cp -r '$recipe/overlay/.' \"\$1\"/" \
  --customize-hook="'$recipe/repository.sh' \"\$1\"" \
  --customize-hook="'$recipe/customize.sh' \"\$1\"" \
  "$suite" "$tree" "${mirror[@]}"
