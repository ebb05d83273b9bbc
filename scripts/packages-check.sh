#!/bin/bash
# Usage: packages-check.sh DIST [TREE]. On Linux only, as root. Installs what `make release-check` has built in DIST for this
# processor on a Debian that has nothing else: the archive, then the deb. It looks into the rpm and the cask, and checks the
# checksums. The bare Debian is made again, or copied from TREE, which mmdebstrap made.
set -euo pipefail

dist=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
"$here/ensure-packages.sh" mmdebstrap rpm ruby jq
arch=$(dpkg --print-architecture)
work=$(mktemp -d "${TMPDIR:-/tmp}/worldsetup.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
fail() { echo "packages-check: $*" >&2; exit 1; }

# one PATTERN: the one file of that name.
one() {
  local found
  # shellcheck disable=SC2206 # a pattern
  found=($dist/$1)
  if [ ${#found[@]} != 1 ] || [ ! -e "${found[0]}" ]; then fail "not one file: $dist/$1"; fi
  echo "${found[0]}"
}
archive=$(one "worldsetup_*_linux_$arch.tar.gz") deb=$(one "worldsetup_*_linux_$arch.deb") rpm=$(one "worldsetup_*_linux_$arch.rpm")

(cd "$dist" && sha256sum --check --strict --quiet checksums.txt)
for file in "$dist"/worldsetup_*; do
  if [ -f "$file" ]; then grep -q "  $(basename "$file")\$" "$dist/checksums.txt" || fail "no checksum of $file"; fi
done

root=$work/debian
if [ -n "${2:-}" ]; then
  cp -a "$2" "$root"
else
  echo "packages-check: making a bare Debian"
  mmdebstrap --quiet --variant=minbase --include=man-db trixie "$root"
fi
# An account without any rights: Lima refuses root.
chroot "$root" useradd --create-home --user-group tester
as_tester() { chroot "$root" setpriv --reuid tester --regid tester --clear-groups env -i HOME=/home/tester PATH=/usr/bin:/bin TERM=dumb "$@"; }
install -m 755 "$here/demo-check.sh" "$root/usr/bin/demo-check"

# works PROGRAM PAGES: does what was installed work, and are its pages found?
works() {
  as_tester demo-check "$1"
  as_tester man -M "$2" -P cat worldsetup-status | grep -q 'worldsetup-status - ' || fail "no manual page in $2"
  as_tester man -M "$2" -P cat worldsetup | grep -q -- '--mount-home' || fail "the manual page of worldsetup lacks flags"
}

mkdir "$root/opt/archive"
tar -xzf "$archive" -C "$root/opt/archive" --no-same-owner
for file in worldsetup LICENSE THIRD_PARTY_NOTICES README.md CHANGELOG.md completions/{worldsetup,_worldsetup,worldsetup.fish}; do
  [ -s "$root/opt/archive/$file" ] || fail "the archive has no $file"
done
mkdir -p "$root/opt/pages" && ln -s /opt/archive/man "$root/opt/pages/man1"
works /opt/archive/worldsetup /opt/pages
rm -rf "$root/opt/archive" "$root/opt/pages"

find "$root" -xdev \( -path "$root/home" -o -path "$root/var" -o -path "$root/tmp" -o -path "$root/proc" \) -prune -o -print | sort >"$work/before"
cp "$deb" "$root/worldsetup.deb"
chroot "$root" dpkg -i /worldsetup.deb >/dev/null
rm "$root/worldsetup.deb"
works worldsetup /usr/share/man
as_tester bash -c '. /usr/share/bash-completion/completions/worldsetup && complete -p worldsetup' >/dev/null || fail "no completion in bash"
for file in share/zsh/site-functions/_worldsetup share/fish/vendor_completions.d/worldsetup.fish share/doc/worldsetup/LICENSE \
  share/doc/worldsetup/THIRD_PARTY_NOTICES; do
  [ -s "$root/usr/$file" ] || fail "the deb has no /usr/$file"
done
chroot "$root" dpkg --purge worldsetup >/dev/null 2>&1
find "$root" -xdev \( -path "$root/home" -o -path "$root/var" -o -path "$root/tmp" -o -path "$root/proc" \) -prune -o -print | sort >"$work/after"
diff "$work/before" "$work/after" || fail "a removed deb leaves files"

# An rpm has the same files as the deb.
rpm -qp --nosignature --qf '[%{FILENAMES}\n]' "$rpm" 2>/dev/null | grep -v '/$' | sort >"$work/rpm"
dpkg-deb --fsys-tarfile "$deb" | tar -t | sed 's|^\.||' | grep -v '/$' | sort >"$work/deb"
diff "$work/deb" "$work/rpm" || fail "rpm and deb have different files"

cask=$(one "homebrew/Casks/worldsetup.rb")
ruby -c "$cask" >/dev/null
"$here/cask-style.sh" "$cask"
for part in 'binary "worldsetup"' 'manpage "man/worldsetup.1"' 'bash_completion "completions/worldsetup"' 'depends_on formula: [' '"lima",'; do
  grep -qF "$part" "$cask" || fail "the cask has no: $part"
done
for file in "$dist"/worldsetup_*.tar.gz; do
  grep -q "$(sha256sum "$file" | cut -d' ' -f1)" "$cask" || fail "the cask has no checksum of $file"
done
echo "packages-check: archive, deb, rpm and cask are as they should be"
