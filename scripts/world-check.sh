#!/bin/bash
# Usage: world-check.sh PROGRAM. The life of one world in a real VM, on a Mac or on Linux, as a person would type it: a
# first setup, a rerun that changes nothing, status, a command in it, a stop, a repair, the removal. The VM has a name of
# its own, and the project is a new directory: nothing else of this user's is touched.
set -euo pipefail

program=$1 vm=worldsetup-check
project=$(mktemp -d "${TMPDIR:-/tmp}/worldsetup.XXXXXX")
trap 'rm -rf "$project"' EXIT
say() { echo "world-check: $*"; }
fail() { say "$*" >&2; exit 1; }

# timed WHAT COMMAND…: runs it, and prints how long it took.
timed() {
  local what=$1 begin=$SECONDS
  shift
  say "$what: $*"
  "$@" || fail "$what ended with exit code $?"
  say "$what took $((SECONDS - begin)) s"
}

if limactl list --quiet | grep -qx "$vm"; then fail "there is a VM $vm: worldsetup remove --vm $vm"; fi
echo 'written here' >"$project/file"
timed "the first setup" "$program" --non-interactive --vm "$vm" --agent builtin --mount-home=no "$project"
say "the rerun, which changes nothing"
events=$("$program" --non-interactive --json --vm "$vm") || fail "the rerun ended with exit code $?"
case $events in *'"ready":true,"changed":false'*) ;; *) fail "the rerun changed something: ${events##*$'\n'}" ;; esac
timed "status" "$program" status --vm "$vm"
content=$("$program" shell --vm "$vm" -- cat /src/file)
[ "$content" = 'written here' ] || fail "the project in the VM has: $content"
timed "the stop" "$program" stop --vm "$vm"
timed "the repair" "$program" --non-interactive --vm "$vm"
timed "the removal" "$program" remove --vm "$vm" --remove="$vm"
if limactl list --quiet | grep -qx "$vm"; then fail "the VM is still there"; fi
say "all of it works"
