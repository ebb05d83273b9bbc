# packages.sh COMMAND=PACKAGE... (root): installs the packages of the commands named, again where files of theirs are gone, and
# nothing that they merely recommend. apt.sh and python.sh come before it. Exit status 4: there is no apt-get; 75: another program
# holds a lock.
set -eu
commands=
for pair; do
    commands="$commands ${pair%%=*}"
    set -- "$@" "${pair#*=}"
    shift
done
if ! command -v apt-get >/dev/null; then
    echo "this guest has no apt-get; install by hand: $*" >&2
    exit 4
fi

# works COMMAND: it is there, and python3 runs what the built-in agent needs.
works() {
    command -v "$1" >/dev/null || return 1
    [ "$1" != python3 ] || [ -z "$(python_fault)" ]
}

# python3 is made of several packages, each of which may lack files: apt's patterns for those that are installed.
case "$commands " in *' python3 '*) set -- "$@" '~i~npython3.*-minimal' '~i~npython3.*-stdlib' ;; esac
# A source out of reach is no reason to give up: another one may have the packages, or their lists may be here already.
apt -qq update || [ $? != 75 ] || exit 75
install() { apt -y install --reinstall --no-install-recommends -- "$@"; }
if ! install "$@"; then
    # An installation that was broken off lets nothing else in before it is finished.
    dpkg --configure -a
    install "$@"
fi
# apt-get ends well where it can't download an installed package again.
missing=
for command in $commands; do
    works "$command" || missing="$missing $command"
done
if [ -n "$missing" ]; then
    echo "the guest still lacks$missing: apt-get could not get it again from any package source" >&2
    exit 1
fi
