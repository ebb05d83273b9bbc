# rosetta.sh (root): takes the mount of Rosetta out of fstab, where cloud-init puts it at each boot that has it. It has no nofail: a
# boot without Rosetta ends in emergency mode.
set -eu
fstab=/etc/fstab
temp=$(mktemp "$fstab.XXXXXXXX")
trap 'rm -f "$temp"' EXIT
trap 'exit 1' HUP INT TERM
while IFS= read -r line || [ -n "$line" ]; do
    case $line in "vz-rosetta "* | "vz-rosetta	"*) ;; *) printf '%s\n' "$line" ;; esac
done <"$fstab" >"$temp"
chmod 0644 "$temp"
mv -fT "$temp" "$fstab"
sync -f /etc
