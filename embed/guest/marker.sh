# marker.sh NAME MOUNTPOINT... (root): writes the layout marker, one line, if something is mounted at each MOUNTPOINT.
set -eu
marker=/etc/substrate-lima-layout
name=$1
shift
for mountpoint; do
    if ! mountpoint -q "$mountpoint"; then
        echo "nothing is mounted at $mountpoint" >&2
        exit 1
    fi
done
temp=$(mktemp "$marker.XXXXXXXX")
trap 'rm -f "$temp"' EXIT
printf '%s\n' "$name" >"$temp"
chmod 0644 "$temp"
mv -fT "$temp" "$marker"
trap - EXIT
