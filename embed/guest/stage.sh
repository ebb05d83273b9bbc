# stage.sh begin ROOT USER MANIFEST (root): makes a new copy of the project, ROOT/.new, beside ROOT/current. It shares its files
# with that, but for the paths on standard input, each of which ends with a NUL. What an earlier one left is removed.
# stage.sh end ROOT USER MANIFEST (root): unpacks the tar stream on standard input into ROOT/.new, and exchanges the two.
# What is in the copy is the user's to change at any time, so it is unpacked with the user's rights only. The file MANIFEST is the last
# member: tar takes a stream that ends between two members for a whole one.
set -eu
mode=$1 root=$2 user=$3 manifest=$4
current=$root/current new=$root/.new old=$root/.old
as_user() { setpriv --reuid="$user" --regid=substrate --clear-groups "$@"; }

if [ "$mode" = begin ]; then
    for_directory "$root"
    install -d -m 0750 -o root -g substrate "$root"
    for_directory "$current"
    if [ -L "$old" ]; then rm -f "$old"; fi
    if [ ! -d "$current" ] && [ -d "$old" ]; then mv -T "$old" "$current"; fi # it was killed between two renames
    rm -rf --one-file-system "$new" "$old"
    if [ -d "$current" ]; then cp -al "$current" "$new"; else mkdir "$new"; fi
    chown -hR "$user:substrate" "$new"
    find "$new" -type d ! -perm -700 -exec chmod u+rwx '{}' +
    chmod 0750 "$new"
    cd "$new"
    rm -rf "./$manifest"
    as_user xargs -0 -r rm -rf --
    exit
fi

cd "$new"
as_user tar -xpf - --no-same-owner --delay-directory-restore --warning=no-timestamp
if [ ! -f "$manifest" ] || [ -L "$manifest" ]; then
    echo 'the project did not arrive whole: the connection was cut off' >&2
    exit 1
fi
cd /
sync -f "$root"
# renameat2 with RENAME_EXCHANGE, which mv has since coreutils 9.5 only. Its number is that of the processor.
case $(uname -m) in x86_64) number=316 ;; aarch64) number=276 ;; *) number='' ;; esac
if [ ! -d "$current" ]; then
    mv -T "$new" "$current"
elif [ -z "$number" ] ||
    ! perl -e 'exit(syscall($ARGV[0] + 0, -100, $ARGV[1], -100, $ARGV[2], 2) != 0)' "$number" "$new" "$current"; then
    mv -T "$current" "$old"
    mv -T "$new" "$current"
fi
sync -f "$root"
rm -rf --one-file-system "$new" "$old"
