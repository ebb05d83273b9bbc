# marker.sh NAME (root): writes the layout marker, one line.
set -eu
marker=/etc/substrate-lima-layout
temp=$(mktemp "$marker.XXXXXXXX")
trap 'rm -f "$temp"' EXIT
printf '%s\n' "$1" >"$temp"
chmod 0644 "$temp"
mv -fT "$temp" "$marker"
trap - EXIT
