#!/bin/bash
# Builds what is committed twice, in two directories and with two empty caches, as a release is built, and compares the
# programs, completions and manual pages byte for byte.
set -euo pipefail

cd "$(dirname "$0")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/worldsetup.XXXXXX")
trap 'rm -rf "$work"' EXIT
for place in one another/place; do
  mkdir -p "$work/$place"
  git clone -q --no-local . "$work/$place/worldsetup"
  (cd "$work/$place/worldsetup" && GOCACHE=$work/$place/cache CGO_ENABLED=0 \
    go build -trimpath -buildvcs=true -ldflags '-s -w' -o out/worldsetup ./cmd/worldsetup && scripts/extras.sh out/worldsetup out)
done
diff -r "$work/one/worldsetup/out" "$work/another/place/worldsetup/out"
echo "reproducible: two builds are equal: $(cksum <"$work/one/worldsetup/out/worldsetup")"
