# activate.sh ROLLBACK SECONDS RUNS OLD... (root): restarts socket and service and waits until the agent answers.
# RUNS=no: systemd has never read the units, so there is nothing to stop. It may be busy: it is asked as little as can be.
# RUNS=listens: the socket is as it has to be, and stays: who connects meanwhile waits in it for the agent.
# OLD are units of older generations, without their types: they make room. When the agent does not answer, the new units are removed
# and the old ones started again (exit 3).
# ROLLBACK is agent, units, both in one word, or no: when it does not answer within SECONDS, the previous ones are restored, and the
# script still fails (exit 3).
# python.sh comes before it. Exit status 78, which systemctl never has: the agent needs python3, and that does not run.
set -eu
rollback=$1 seconds=$2 runs=$3
shift 3
sock=/run/substrate.sock
agent=/usr/local/bin/$UNIT
previous=/usr/local/bin/.$UNIT.previous

# halt UNIT: stops its socket and service. A frozen service is not stopped before it is thawed.
halt() {
    systemctl stop "$1.socket" "$1.service" || {
        systemctl thaw "$1.service"
        systemctl stop "$1.socket" "$1.service"
    }
}
up() {
    if [ "$runs" = listens ]; then
        runs=yes
        systemctl reset-failed "$UNIT.service" 2>/dev/null || :
        systemctl restart "$UNIT.service" && return
    fi
    if [ "$runs" != no ]; then
        halt "$UNIT"
        # Units that failed, or were started often in a short time, are not started again until systemd forgets that.
        systemctl reset-failed "$UNIT.socket" "$UNIT.service" 2>/dev/null || :
    fi
    runs=yes
    # Nothing listens now, so what is left at the path is a stranger's.
    for_rename "$sock"
    rm -f "$sock"
    # The socket comes first by systemd's own rule.
    systemctl start "$UNIT.socket" "$UNIT.service" && return
    # A service that started without its socket keeps the socket from starting.
    systemctl stop "$UNIT.service"
    systemctl start "$UNIT.socket"
    # A service that fails at once is found by the question below, with its log as the evidence.
    systemctl start "$UNIT.service" || :
}
answers() {
    code=$(curl -q -sS --noproxy '*' -o /dev/null -w '%{http_code}' --max-time "$seconds" --unix-socket "$sock" \
        http://localhost/v1/capabilities 2>&1) && [ "$code" = 200 ]
}

for old; do halt "$old"; done
up
if answers; then exit 0; fi
echo "the agent did not answer GET /v1/capabilities with 200: $code" >&2
journalctl --no-pager -o cat -n 15 -u "$UNIT.service" >&2 || :
if [ "$#" -gt 0 ]; then
    systemctl --quiet disable "$UNIT.socket" "$UNIT.service" || :
    halt "$UNIT" || : # the old ones are to be started in any case
    rm -f "$sock" "/etc/systemd/system/$UNIT.socket" "/etc/systemd/system/$UNIT.service"
    systemctl daemon-reload
    sync -f /etc/systemd/system
    for old; do systemctl start "$old.socket" "$old.service"; done
    if answers; then
        echo 'the agent of the generation before was started again and answers' >&2
    else
        echo 'the agent of the generation before was started again and does not answer either' >&2
    fi
    exit 3
fi
restored=
case $rollback in *agent*)
    if [ -f "$previous" ]; then mv -fT "$previous" "$agent" && restored='the previous agent was restored'; fi
    ;;
esac
case $rollback in *units*)
    for file in "$UNIT.service" "$UNIT.socket"; do
        kept=/etc/systemd/system/.$file.previous
        if [ -f "$kept" ]; then
            mv -fT "$kept" "/etc/systemd/system/$file" && restored='the agent of the generation before was started again'
        fi
    done
    systemctl daemon-reload
    sync -f /etc/systemd/system
    ;;
esac
if [ -n "$restored" ]; then
    up
    if answers; then
        echo "$restored and answers" >&2
    else
        echo "$restored and does not answer either" >&2
    fi
    exit 3
fi
read -r line <"$agent" || line=${line-}
# shellcheck disable=SC2154 # python.sh has it
case $line in
"#!$python "*)
    fault=$(python_fault)
    if [ -n "$fault" ]; then
        echo "$python does not run: $fault" >&2
        exit 78
    fi
    ;;
esac
exit 1
