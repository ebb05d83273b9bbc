# directories.sh USER HOME open CLOSED...: only opens the directories CLOSED to all users; what is behind them is for later.
# directories.sh USER HOME close WRITABLE... (root): the agent's state directory and the user's own. /run/substrate is
# systemd's to make. The directories WRITABLE, from the top down, become root's alone to change.
# What stands in the place of a directory is moved away; links are never followed, and in the user's home, where they could be
# changed at any time, only the user's own rights count.
set -eu
user=$1 home=$2 mode=$3
shift 3
if [ "$mode" = open ]; then
    chmod a+rx "$@"
    exit 0
fi
state=/var/lib/substrate
own=$home/.substrate

# unlisted FLAG DIRECTORY: without an access list, which only setfacl can remove.
unlisted() {
    if command -v setfacl >/dev/null; then
        setfacl "$1" "$2"
        return
    fi
    # shellcheck disable=SC2012
    case $(ls -ld "$2") in
    ??????????+*)
        echo "$2 has an access list, which only setfacl can remove: sudo apt-get install acl" >&2
        exit 1
        ;;
    esac
}

for dir; do
    chown -h root "$dir"
    chmod go-w "$dir"
    unlisted -k "$dir"
done
for dir in "$state" "$own"; do
    for_directory "$dir"
done
install -d -m 0750 -o root -g substrate "$state"
unlisted -bk "$state"
group=$(id -gn "$user")
if mkdir "$own" 2>/dev/null || [ "$(stat -c %U:%G "$own")" != "$user:$group" ]; then chown -h "$user:$group" "$own"; fi
setpriv --reuid="$user" --regid="$group" --clear-groups chmod 0755 "$own"
sync -f "$state"
