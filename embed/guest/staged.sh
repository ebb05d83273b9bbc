# staged.sh ROOT MANIFEST USER EXCLUDED... (root): lists the copy of a project, ROOT/current, and what its file MANIFEST holds, after
# the numbers of USER and of the group that should own it all. It reads only. The names EXCLUDED are left out, with what is in them. The reader is provision/staging.Listing.
set -u
root=$1 manifest=$2 user=$3
shift 3
echo 'worldsetup-staged 1'
group=$(getent group substrate) && group=${group#*:*:}
echo "owner:$(id -u "$user"):${group%%:*}"
for left in "$root/.new" "$root/.old"; do
    if [ -e "$left" ] || [ -L "$left" ]; then echo left:; fi
done
if [ ! -L "$root" ] && [ ! -L "$root/current" ] && [ -d "$root/current" ]; then
    cd "$root/current" || exit
    if [ -f "$manifest" ] && [ ! -L "$manifest" ]; then
        head -c 65536 "$manifest" | base64 -w 3000 | while IFS= read -r line; do echo "manifest:$line"; done
    fi
    for name; do
        shift
        set -- "$@" -o -name "$name"
    done
    find . -mindepth 1 \( -path "./$manifest" "$@" \) -prune -o -printf '%y|%m|%s|%T@|%U|%G|%P\0%l\0' | base64 -w 3000
fi
echo end:
