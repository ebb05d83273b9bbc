# writable.sh (root): the root file system can be written to. A kernel that found it damaged refuses, until a boot has checked it.
set -eu
mount -o remount,rw /
temp=$(mktemp /etc/.worldsetup.XXXXXXXX)
rm -f "$temp"
