# marker.sh NAME MOUNTPOINT... (root): writes the layout marker, one line, if something is mounted at each MOUNTPOINT, and
# prints what it holds then.
# Only root can write where the temporary file is made; what a killed run left there is overwritten.
set -eu
umask 022
marker=/etc/substrate-lima-layout
name=$1
shift
for mountpoint; do
    mounted=no
    while read -r _ _ _ _ target _; do
        # mountinfo writes a space as \040, which printf %b reads.
        case $target in *\\*) target=$(printf '%b' "$target") ;; esac
        if [ "$target" = "$mountpoint" ]; then mounted=yes; fi
    done </proc/self/mountinfo
    if [ "$mounted" = no ]; then
        echo "nothing is mounted at $mountpoint" >&2
        exit 1
    fi
done
for_file "$marker.new"
printf '%s\n' "$name" >"$marker.new"
for_rename "$marker"
mv -fT "$marker.new" "$marker" || { rm -f "$marker.new" && exit 1; }
sync -f "$marker"
IFS= read -r line <"$marker"
echo "$line"
