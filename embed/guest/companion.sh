# companion.sh NAME SHA256 (root): installs the program read from standard input beside the agent, by rename, and keeps the one that
# it replaces. A program that lacks a library of this guest is not installed, so that the one before stays (exit 3).
# companion.sh NAME SHA256 DIRECTORY (root): the program is what build.sh has left in DIRECTORY, which is removed with the last one.
set -eu
name=$1 sum=$2 made=${3:-}
dir=/usr/local/bin
program=$dir/$name
previous=$dir/.$name.previous
[ -d "$dir" ] || install -d -m 0755 "$dir"
# A killed installation leaves its temporary file.
find "$dir" -maxdepth 1 -type f -user root -name ".$name.????????" ! -path "$previous" -delete
temp=$(mktemp "$dir/.$name.XXXXXXXX")
file=$made/out/$name
trap 'rm -f "$temp"; if [ -n "$made" ]; then rm -f "$file"; rmdir "$made/out" "$made" 2>/dev/null || :; fi' EXIT
trap 'exit 1' HUP INT TERM
if [ -n "$made" ]; then cat <"$file"; else cat; fi >"$temp"
checksum() { line=$(sha256sum <"$1") && echo "${line%% *}"; }
if [ "$(checksum "$temp")" != "$sum" ]; then
    echo "$name arrived damaged: its checksum is not the one of the file that was sent" >&2
    exit 1
fi
chmod 0755 "$temp"
lacks=$(ldd "$temp" 2>&1 | grep 'not found' || :)
if [ -n "$lacks" ]; then
    printf '%s cannot run in this guest, and was not installed:\n%s\n' "$name" "$lacks" >&2
    exit 3
fi
if [ -f "$program" ] && [ "$(checksum "$program")" != "$sum" ]; then ln -f "$program" "$previous"; fi
for_rename "$program"
mv -fT "$temp" "$program"
sync -f "$dir"
