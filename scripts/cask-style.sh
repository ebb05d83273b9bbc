#!/bin/bash
# Usage: cask-style.sh CASK. Checks the style of a cask. HOMEBREW names a clone of https://github.com/Homebrew/brew, whose
# cops are taken then; without it, that of an installed Homebrew. On Linux only: on a Mac, brew style does this.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
homebrew=${HOMEBREW:-/home/linuxbrew/.linuxbrew/Homebrew}
if [ -z "${HOMEBREW:-}" ] && [ ! -d "$homebrew/Library" ]; then
  echo "cask-style: no Homebrew here, its own cops are left out: HOMEBREW=DIR names a clone"
  homebrew=
fi
"$here/ensure-packages.sh" ruby rubocop
# LC_ALL=C would have ruby refuse what is not ASCII.
LC_ALL=C.UTF-8 ruby "$here/cask-style.rb" "$1" ${homebrew:+"$homebrew"}
