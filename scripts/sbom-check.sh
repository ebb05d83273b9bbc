#!/bin/bash
# Usage: sbom-check.sh DIST. Checks that each archive of a release has an SBOM, which is of the program in that archive, and
# which names the modules of THIRD_PARTY_NOTICES with their versions: all of them, and no others. On Linux only.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
dist=$(cd "$1" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/worldsetup.XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { echo "sbom-check: $*" >&2; exit 1; }

grep -A 1 '^=\{80\}$' "$here/../THIRD_PARTY_NOTICES" | grep ' v' | sort >"$work/linked"
[ -s "$work/linked" ] || fail "THIRD_PARTY_NOTICES names no module"
archives=0
for archive in "$dist"/worldsetup_*.tar.gz; do
  [ -e "$archive" ] || fail "no archive in $dist"
  sbom=${archive%.tar.gz}.cdx.json name=$(basename "$archive")
  [ -s "$sbom" ] || fail "$name has no SBOM"
  [ "$(jq -r .bomFormat "$sbom")" = CycloneDX ] || fail "the SBOM of $name is not in CycloneDX's format"
  program=$(tar -xzOf "$archive" worldsetup | sha256sum | cut -d' ' -f1)
  jq -e --arg sum "$program" '.metadata.properties | any(.name == "cdx:gomod:binary:hash:SHA-256" and .value == $sum)' \
    "$sbom" >/dev/null || fail "the SBOM of $name is of another program"
  jq -e '.components | any(.name == "std")' "$sbom" >/dev/null || fail "the SBOM of $name lacks Go's standard library"
  jq -r '.components[] | select(.name != "std") | .name + " " + .version' "$sbom" | sort >"$work/named"
  diff "$work/linked" "$work/named" >&2 || fail "the SBOM of $name has other modules than THIRD_PARTY_NOTICES"
  archives=$((archives + 1))
done
echo "sbom-check: $archives archives have an SBOM, with $(wc -l <"$work/linked") modules and Go's standard library"
