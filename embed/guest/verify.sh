# verify.sh WHO|MOUNTPOINT...: asks the agent through its socket as each WHO: self, root, outsider.
# Prints, between a version line and "end", the answer to each WHO, as ask.sh does, and each MOUNTPOINT at which something is
# mounted. The mounts come last, after standard input has ended: meanwhile the caller can use a forwarded socket, and
# what all this connecting did to the mounts shows.
# The reader is provision/guest.ParseVerified.
set -u

# mounted MOUNTPOINT: something is mounted there, and answers.
mounted() {
    while read -r _ _ _ _ target _; do
        # mountinfo writes a space as \040, which printf %b reads.
        case $target in *\\*) target=$(printf '%b' "$target") ;; esac
        if [ "$target" = "$1" ] && [ -e "$1/" ]; then
            echo "mounted=$1"
            return
        fi
    done </proc/self/mountinfo
}

echo 'worldsetup-verify 1'
# shellcheck disable=SC2154 # ask.sh has it
eval "$asking"
case " $* " in *' self '*) ask self & ;; esac
case " $* " in
*' root '* | *' outsider '*)
    # shellcheck disable=SC2154 # likewise
    sudo -n -- /usr/bin/env -i PATH="$PATH" LC_ALL=C /bin/sh -c "$asking$asking_as_root"'ask_as_root "$@"; wait' ask "$@" ||
        not_asked "$@" &
    ;;
esac
wait
cat >/dev/null
mounts=
for mountpoint; do
    case $mountpoint in
    /*)
        mounted "$mountpoint" &
        mounts="$mounts $!"
        ;;
    esac
done
# shellcheck disable=SC2086 # they are numbers
patiently $mounts
echo end
