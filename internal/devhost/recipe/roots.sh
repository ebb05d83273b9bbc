#!/bin/bash
# Builds the root file systems of the test bed for one suite. Runs as root.
#
#   roots.sh ARCH SUITE OUT      OUT exists and is empty
#
# Leaves two trees in OUT: "plain", and "ubuntu", which is set up as Ubuntu's cloud images are.
set -euo pipefail
umask 022
PATH=$PATH:/usr/sbin:/sbin

arch=$1 suite=$2 out=$3
recipe=$(cd "$(dirname "$0")" && pwd)

"$recipe/tree.sh" "$arch" "$suite" "$out/plain" "$recipe/packages.txt" "$recipe/packages-bed.txt"
# Nothing leads out of the test bed, and a mirror out of reach would only cost time. The root is no device of fstab's.
find "$out/plain/etc/apt" -name '*.list' -o -name '*.sources' | grep -v worldsetup.list | xargs rm -f
: >"$out/plain/etc/fstab"

cp -a "$out/plain" "$out/ubuntu"
"$recipe/ubuntu.sh" "$out/ubuntu"
