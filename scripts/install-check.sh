#!/bin/bash
# Checks that `go install github.com/atomize-hq/worldsetup/cmd/worldsetup@latest` works for what is committed: it serves
# the module as a proxy would, as v0.1.0, from a directory. A module's zip has no modules that lie in it, no ignored files,
# and no replacements count.
set -euo pipefail

cd "$(dirname "$0")/.."
module=$(go list -m)
work=$(mktemp -d "${TMPDIR:-/tmp}/worldsetup.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

served=$work/proxy/$module/@v version=v0.1.0
mkdir -p "$served"
echo $version >"$served/list"
echo "{\"Version\":\"$version\"}" >"$served/$version.info"
git show HEAD:go.mod >"$served/$version.mod"
others=()
while read -r file; do others+=(":(exclude)${file%/go.mod}"); done < <(git ls-tree -r --name-only HEAD | grep '/go\.mod$')
git archive --format=zip --prefix="$module@$version/" -o "$served/$version.zip" HEAD -- . "${others[@]}"

# The other modules come from this machine's cache, where the build has put them. They are verified by go.sum elsewhere.
go mod download
known=$(go env GOMODCACHE)/cache/download
cd "$work"
GOFLAGS=-trimpath GOBIN=$work/bin GOMODCACHE=$work/mod GOSUMDB=off GOPROXY=file://$work/proxy,file://$known \
  go install "$module/cmd/worldsetup@latest"
printed=$("$work/bin/worldsetup" --version)
case $printed in "worldsetup $version "*) echo "install-check: go install $module/cmd/worldsetup@latest: $printed" ;;
  *) echo "install-check: it prints: $printed" >&2; exit 1 ;; esac
