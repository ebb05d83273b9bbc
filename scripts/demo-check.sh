#!/bin/bash
# Usage: demo-check.sh PROGRAM. What a worldsetup that was just installed must do without a VM and without Lima: a bare
# machine has neither.
set -euo pipefail

program=$1
fail() { echo "demo-check: $*" >&2; exit 1; }

"$program" --version | grep '^worldsetup ' || fail "--version printed no version"
"$program" version --json | grep -q '"tested' || fail "version --json does not tell which Lima was tested"
events=$("$program" demo --json --speed 1000 2>/dev/null) || fail "demo --json ended with $?"
printf '%s\n' "$events" | grep -q '"ready":true' || fail "the demo's world is not ready: $(printf '%s\n' "$events" | tail -n 1)"

# What a machine lacks is reported, with exit code 3; that is no failure of the program.
code=0
checks=$("$program" check --json 2>/dev/null) || code=$?
case $code in 0 | 3) ;; *) fail "check ended with $code: $checks" ;; esac
printf '%s\n' "$checks" | grep -q '"id":"limactl"' || fail "check --json has no check of limactl: $checks"
echo "demo-check: --version, version --json, demo --json and check --json (exit code $code) do what they should"
