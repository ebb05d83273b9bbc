#!/bin/sh
# A stand-in for a script that sets up a world: `sh peer-rerun.sh VM PROJECT`. It asks and installs, on a VM that is set
# up, what scripts/mac/lima-warm.sh of github.com/atomize-hq/substrate (commit 0032e55d) does on a rerun, in the same
# number of calls, but changes nothing: a file is copied beside the agent, and units are compared. It has none of that
# script's text.
set -eu
vm=$1 project=$2
in_guest() { limactl shell --workdir / "$vm" "$@"; }

limactl list "$vm" >/dev/null
limactl list "$vm" --json >/dev/null # its status
limactl list "$vm" --json >/dev/null # and again, until it runs
in_guest sudo -n cat /etc/substrate-lima-layout >/dev/null
in_guest test -d /src
probe=.peer-probe.$$
trap 'rm -f "$project/$probe"' EXIT
echo probe >"$project/$probe"
in_guest test -f "/src/$probe"
user=$(in_guest id -un)
in_guest sh -c "getent group substrate && id -nG '$user'" >/dev/null
agent=$(mktemp)
trap 'rm -f "$project/$probe" "$agent"' EXIT
head -c 8000000 /dev/zero >"$agent" # the size of an agent
limactl copy "$agent" "$vm:/tmp/peer-agent"
in_guest sh -c 'sudo install -Dm0755 /tmp/peer-agent /usr/local/bin/peer-agent && sudo rm -f /tmp/peer-agent /usr/local/bin/peer-agent'
in_guest sh -c 'sudo cat /etc/systemd/system/substrate-world-agent.service /etc/systemd/system/substrate-world-agent.socket' >/dev/null
in_guest sh -c 'sudo install -d -m0750 /run/peer && sudo rmdir /run/peer && sudo systemctl daemon-reload &&
  systemctl is-enabled substrate-world-agent.service && systemctl is-enabled substrate-world-agent.socket &&
  sudo systemctl start substrate-world-agent.socket && sudo systemctl start substrate-world-agent.service' >/dev/null
in_guest sudo stat -c '%U:%G %a' /run/substrate.sock >/dev/null
in_guest sudo cat /etc/substrate-lima-layout >/dev/null
in_guest sudo -n loginctl show-user "$user" -p Linger >/dev/null
