#!/bin/bash
# Installs those of the named Debian packages that are missing. On another
# system it reports which tools to have and goes on.
set -euo pipefail

if ! command -v apt-get >/dev/null; then
  echo "ensure-packages: this needs what these Debian packages hold: $*" >&2
  exit 0
fi

missing=()
for package; do
  case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true) in
    ?i*) ;;
    *) missing+=("$package") ;;
  esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
echo "ensure-packages: installing ${missing[*]}"
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
