# writable.sh (root): the root file system can be written to.
# A kernel that found it damaged refuses, until it was checked (exit 1). ext4 refuses as well while files are open that were
# deleted, and never changes its mind: a boot puts that in order (exit 4). What distinguishes the two is its count of errors.
set -eu
if ! mount -o remount,rw /; then
    device=$(readlink -f "/sys/dev/block/$(mountpoint -d /)")
    if read -r errors <"/sys/fs/ext4/${device##*/}/errors_count" && [ "$errors" = 0 ]; then exit 4; fi
    exit 1
fi
temp=$(mktemp /etc/.worldsetup.XXXXXXXX)
rm -f "$temp"
