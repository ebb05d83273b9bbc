#!/bin/sh
# A stand-in for a script that reports the health of a world: `sh peer-report.sh VM`. It asks, one call after the other,
# what scripts/mac/lima-doctor.sh of github.com/atomize-hq/substrate (commit 1747e8bb) asks of a VM. It has none of that
# script's text.
set -eu
vm=$1
in_guest() { limactl shell --workdir / "$vm" "$@"; }

command -v limactl >/dev/null
limactl list "$vm" >/dev/null
limactl list "$vm" --json >/dev/null
in_guest uname -a >/dev/null
in_guest sudo -n test -S /run/substrate.sock
in_guest sudo -n timeout 5 curl -sS --fail --unix-socket /run/substrate.sock http://localhost/v1/capabilities >/dev/null
in_guest sudo -n stat -c '%U:%G %a' /run/substrate.sock >/dev/null
user=$(in_guest id -un)
in_guest id -nG "$user" >/dev/null
in_guest sudo -n cat /etc/substrate-lima-layout >/dev/null
in_guest systemctl is-active substrate-world-agent.service >/dev/null
in_guest test -x /usr/sbin/nft
in_guest bash -lc 'df -h / | tail -1' >/dev/null
