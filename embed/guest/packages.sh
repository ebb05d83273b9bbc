# packages.sh PACKAGE... (root): installs the packages named, and nothing that they merely recommend.
set -eu
if ! command -v apt-get >/dev/null; then
    echo "this guest has no apt-get; install by hand: $*" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# Another apt of the first boot may hold the lock: wait for it, not for ever.
apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 update
apt-get -y -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 install --no-install-recommends -- "$@"
