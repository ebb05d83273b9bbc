# frame.sh MARK WHO UNIT TEXT NAME ARG...: runs the script TEXT as NAME, by root if WHO is root, else by the user WHO who logged
# in (- for one whose name is unknown), and prints its output, which ends with a newline, with MARK before each line, and
# at last "MARK exit STATUS". UNIT is the name of the units, which it finds in its environment. What the startup files of a login shell print or leave running has no mark. Of the
# environment that they, sshd and PAM make, only the proxies reach the script, and the system's own programs come first in
# its PATH.
# Root's scripts run one after the other, also those of a run that was killed: one that waits too long fails with 76.
export PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH" MARK="$1"
who=$2 unit=$3 text=$4 script=$5
shift 5

set -- /bin/sh -c "$text" "$script" "$@"
names='http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY'
case $who in
root) set -- HOME=/root "$@" ;;
-) names="HOME USER LOGNAME $names" ;;
*)
    # The account's own: a start-up file can set others.
    home=''
    eval "home=~$who"
    case $home in /*) HOME=$home USER=$who LOGNAME=$who ;; esac
    names="HOME USER LOGNAME $names"
    ;;
esac
for name in $names; do
    eval "value=\${$name-}"
    if [ -n "$value" ]; then set -- "$name=$value" "$@"; fi
done
set -- /usr/bin/env -i PATH="$PATH" LC_ALL=C MARK="$MARK" UNIT="$unit" "$@"
if [ "$who" = root ]; then
    case $script,$(flock --version 2>/dev/null) in # one of BusyBox can't wait
    refused,* | staged,*) ;; # they read only
    *util-linux*) set -- flock -o -w 90 -E 76 /run/worldsetup.lock "$@" ;;
    esac
    set -- sudo -n -- "$@"
fi
finish() {
    status=$?
    if [ "$who$status" = root76 ]; then
        echo 'another script of worldsetup, perhaps of a run that was killed, is still at work in the guest' >&2
    fi
    echo "exit $status"
}

case $script in
chain) # It prints MARK itself: it has to detect that its reader is gone.
    "$@"
    echo "$MARK $(finish)"
    ;;
*)
    {
        "$@"
        finish
    } | sed -u "s/^/$MARK /"
    ;;
esac
