# free-space.sh KIB (root): throws away what the system can fetch or does without, fetched packages and old logs, and wants KIB free then.
set -eu
if command -v apt-get >/dev/null; then apt-get clean; fi
journalctl --quiet --rotate --vacuum-size=16M || :
sync -f /
stat -f -c '%a %S' / | {
    read -r blocks size
    free=$((blocks * size / 1024))
    if [ "$free" -lt "$1" ]; then
        echo "$free KiB are free on /, and $1 are needed" >&2
        exit 1
    fi
}
