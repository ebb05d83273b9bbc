#!/bin/bash
# Prints the path of a Go that builds this checkout, installing one first on a
# machine without any. Go 1.21 is enough: it fetches the version that a go.mod
# asks for by itself (GOTOOLCHAIN=auto).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" = 0 ]; then cache=/var/cache/worldsetup-dev; else cache=$HOME/.cache/worldsetup-dev; fi
cache=${WORLDSETUP_DEV_CACHE:-$cache}

print() { echo "ensure-go: $*" >&2; }

# recent GO: does it run, and is it 1.21 or later?
recent() {
  local version minor
  version=$(GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
  case $version in go1.*) minor=${version#go1.} ;; *) return 1 ;; esac
  [ "${minor%%[!0-9]*}" -ge 21 ]
}

# found: prints the first recent Go of the usual places.
found() {
  local go
  for go in "$(command -v go || true)" /usr/local/go/bin/go "$cache/go/bin/go" /opt/homebrew/bin/go; do
    if [ -n "$go" ] && [ -x "$go" ] && recent "$go"; then
      echo "$go"
      return
    fi
  done
  return 1
}

# from_module GO: an older Go can fetch a newer one, checksums and all, since
# toolchains are modules.
from_module() {
  local wanted dir
  wanted=$(sed -n 's/^go //p' "$here/../go.mod")
  print "fetching Go $wanted with $("$1" env GOVERSION)"
  dir=$(cd / && "$1" mod download -json "golang.org/toolchain@v0.0.1-go$wanted.$("$1" env GOOS)-$("$1" env GOARCH)" |
    sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  mkdir -p "$cache"
  rm -rf "$cache/go.new"
  cp -r "$dir" "$cache/go.new"
  # Modules hold no executable bits, and their cache is read-only.
  chmod -R u+w,a+rX "$cache/go.new"
  chmod -R a+x "$cache/go.new/bin" "$cache/go.new/pkg/tool"
  rm -rf "$cache/go"
  mv "$cache/go.new" "$cache/go"
}

if found; then exit; fi

if command -v apt-get >/dev/null; then
  print "this machine has no Go 1.21 or later: installing Debian's"
  "$here/ensure-packages.sh" golang-go ca-certificates >&2
  if found; then exit; fi
  from_module /usr/bin/go
elif command -v brew >/dev/null; then
  print "this machine has no Go 1.21 or later: brew install go"
  brew install go >&2
fi
if found; then exit; fi
print "install Go 1.21 or later: https://go.dev/dl"
exit 1
