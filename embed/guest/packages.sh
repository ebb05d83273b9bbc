# packages.sh PACKAGE... (root): installs the packages named, again where files of theirs are gone, and nothing that they
# merely recommend. apt.sh comes before it. Exit status 4: there is no apt-get; 75: another program holds a lock.
set -eu
if ! command -v apt-get >/dev/null; then
    echo "this guest has no apt-get; install by hand: $*" >&2
    exit 4
fi
# A source out of reach is no reason to give up: another one may have the packages, or their lists may be here already.
apt -qq update || [ $? != 75 ] || exit 75
install() { apt -y install --reinstall --no-install-recommends -- "$@"; }
if ! install "$@"; then
    # An installation that was broken off lets nothing else in before it is finished.
    dpkg --configure -a
    install "$@"
fi
