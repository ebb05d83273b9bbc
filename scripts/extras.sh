#!/bin/bash
# Usage: extras.sh PROGRAM DIR. Has worldsetup itself write its completions and manual pages to DIR, for `make install`
# and for the packages. The pages have the date of the commit: the same commit makes the same files.
set -euo pipefail

program=$1 dir=$2
rm -rf "$dir/completions" "$dir/man"
mkdir -p "$dir/completions" "$dir/man"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
"$program" completion bash >"$dir/completions/worldsetup"
"$program" completion zsh >"$dir/completions/_worldsetup"
"$program" completion fish >"$dir/completions/worldsetup.fish"
"$program" man "$dir/man" >/dev/null
