# agent.sh SHA256 (root): installs the agent read from standard input, by rename, and keeps the one it replaces.
# agent.sh SHA256 FILE DIRECTORY (root): the agent is FILE, which build.sh has left in DIRECTORY; that is removed.
set -eu
sum=$1 file=${2:-} made=${3:-}
dir=/usr/local/bin
agent=$dir/$UNIT
previous=$dir/.$UNIT.previous
[ -d "$dir" ] || install -d -m 0755 "$dir"
# A killed installation leaves its temporary file.
find "$dir" -maxdepth 1 -type f -user root -name ".$UNIT.????????" ! -path "$previous" -delete
temp=$(mktemp "$dir/.$UNIT.XXXXXXXX")
trap 'rm -f "$temp"; if [ -n "$made" ]; then rm -rf "$made"; fi' EXIT
trap 'exit 1' HUP INT TERM
if [ -n "$file" ]; then exec <"$file"; fi
cat >"$temp"
# What was written is read again, while it goes to the disk: a checksum of what arrives would take longer, since tee and a
# pipe would copy all of it twice more.
sync -f "$dir" &
written=$!
arrived=$(sha256sum <"$temp")
wait "$written"
case $arrived in
"$sum "*) ;;
*)
    echo 'the agent arrived damaged: its checksum is not the one of the file that was sent' >&2
    exit 1
    ;;
esac
chmod 0755 "$temp"
# Without a change there is none to take back: what an earlier one left must not come again.
if [ -f "$agent" ] && ! cmp -s "$temp" "$agent"; then ln -f "$agent" "$previous"; else rm -f "$previous"; fi
for_rename "$agent"
mv -fT "$temp" "$agent"
sync -f "$dir"
