# ask.sh: comes before the scripts that ask the agent through its socket.

# asking defines ask WHO COMMAND...: asks as WHO, for which COMMAND runs what comes after it, and prints the exit code of curl, the
# HTTP status, the seconds that it took, and the answer in parts; exit code 63 is an answer that is too long. It is a text, since
# root's shell needs it as well.
# The reader is provision/guest.answers.
# shellcheck disable=SC2016,SC2034 # the shell that evaluates it expands it
asking='
    newline="
"
    most=1048576 # bytes of an answer

    ask() {
        who=$1
        shift
        # -w comes after the body: the last line of the output is ours. Of an endless body, little comes in the time.
        out=$("$@" /usr/bin/env -i PATH="$PATH" curl -q -sS --max-time 10 --max-filesize "$most" --limit-rate 1M \
            -w "\n%{http_code} %{time_total}" --unix-socket /run/substrate.sock http://localhost/v1/capabilities 2>/dev/null)
        code=$?
        body=${out%"$newline"*} body=${body%"$newline"}
        case $body in *"$newline"*) body=$(printf "%s" "$body" | tr -d "\n\r") ;; esac
        if [ "${#body}" -gt "$most" ]; then code=63 body=""; fi
        # Others print at the same time. A pipe takes a write of up to 4096 bytes as a whole; sed -u makes one of each line.
        if [ "${#body}" -le 3000 ]; then
            printf "%s=%s %s\n%s-answer=%s\n" "$who" "$code" "${out##*"$newline"}" "$who" "$body"
        else
            printf "%s=%s %s\n" "$who" "$code" "${out##*"$newline"}"
            printf "%s\n" "$body" | fold -b -w 3000 | sed -u "s/^/$who-answer=/"
        fi
    }
'

# asking_as_root defines ask_as_root WHO...: what root asks for itself, and for a user outside the group.
# shellcheck disable=SC2016,SC2034
asking_as_root='
    ask_as_root() {
        for who; do
            case $who in
            root) ask root & ;;
            outsider)
                group=
                while IFS=: read -r name _ _ number _; do
                    if [ "$name" = nobody ]; then group=$number; fi
                done </etc/passwd
                if [ -n "$group" ] && command -v setpriv >/dev/null; then
                    ask outsider setpriv --reuid nobody --regid "$group" --init-groups -- &
                else
                    ask outsider sudo -n -u nobody -- &
                fi
                ;;
            esac
        done
    }
'

# not_asked WHO...: root could not ask.
not_asked() {
    for who; do
        case $who in root | outsider) echo "$who=1" ;; esac
    done
}
