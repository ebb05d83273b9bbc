#!/bin/bash
# Installs those of the named Debian packages that are missing. On a Mac it has Homebrew install the programs that they
# stand for; where there is neither, it reports which are missing and goes on.
set -euo pipefail

# program PACKAGE: the command that a package is wanted for; nothing for a package that is none elsewhere.
program() {
  case $1 in
    gettext-base) echo envsubst ;;
    ansible-core) echo ansible-playbook ;;
    gcc) echo cc ;;
    libc6-dev | ca-certificates) ;;
    golang-go) echo go ;;
    *) echo "$1" ;;
  esac
}

# formula PACKAGE: what it is called by Homebrew.
formula() {
  case $1 in
    gettext-base) echo gettext ;;
    ansible-core) echo ansible ;;
    golang-go) echo go ;;
    python3) echo python ;;
    *) echo "$1" ;;
  esac
}

if ! command -v apt-get >/dev/null; then
  missing="" formulas=""
  for package; do
    wanted=$(program "$package")
    if [ -z "$wanted" ] || command -v "$wanted" >/dev/null; then continue; fi
    missing="$missing $wanted"
    # A compiler is Apple's: xcode-select --install asks in a window.
    if [ "$wanted" != cc ]; then formulas="$formulas $(formula "$package")"; fi
  done
  [ -n "$missing" ] || exit 0
  if [ -n "$formulas" ] && command -v brew >/dev/null; then
    echo "ensure-packages: brew install$formulas"
    # shellcheck disable=SC2086 # the names are ours, and several
    if brew install $formulas >/dev/null; then exit 0; fi
  fi
  echo "ensure-packages: missing here:$missing; install them with your system's package manager${formulas:+, or: brew install$formulas}" >&2
  case " $missing " in *" cc "*) echo "ensure-packages: on a Mac, a C compiler comes with: xcode-select --install" >&2 ;; esac
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
