# verify.sh WHO|MOUNTPOINT...: asks the agent through its socket as each WHO: self, root, outsider.
# Prints, between a version line and "end", for each WHO: the exit code of curl, the HTTP status, the seconds that it
# took, and the answer in parts; exit code 63 is an answer that is too long. And each MOUNTPOINT at which something is
# mounted. The mounts come last, after standard input has ended: meanwhile the caller can use a forwarded socket, and
# what all this connecting did to the mounts shows.
# The reader is provision/guest.ParseVerified.
set -u
newline='
'
most=1048576 # bytes of an answer

ask() {
    who=$1
    shift
    # -w comes after the body: the last line of the output is ours. Of an endless body, little comes in the time.
    out=$("$@" /usr/bin/env -i PATH="$PATH" curl -q -sS --max-time 10 --max-filesize "$most" --limit-rate 1M \
        -w '\n%{http_code} %{time_total}' --unix-socket /run/substrate.sock http://localhost/v1/capabilities 2>/dev/null)
    code=$?
    body=${out%"$newline"*}
    case $body in *"$newline"*) body=$(printf '%s' "$body" | tr -d '\n\r') ;; esac
    if [ "${#body}" -gt "$most" ]; then code=63 body=''; fi
    # Others print at the same time. A pipe takes a write of up to 4096 bytes as a whole; sed -u makes one of each line.
    if [ "${#body}" -le 3000 ]; then
        printf '%s=%s %s\n%s-answer=%s\n' "$who" "$code" "${out##*"$newline"}" "$who" "$body"
    else
        printf '%s=%s %s\n' "$who" "$code" "${out##*"$newline"}"
        printf '%s\n' "$body" | fold -b -w 3000 | sed -u "s/^/$who-answer=/"
    fi
}

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
for who; do
    case $who in
    self) ask self & ;;
    root) ask root sudo -n -- & ;;
    outsider) ask outsider sudo -n -u nobody -- & ;;
    esac
done
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
