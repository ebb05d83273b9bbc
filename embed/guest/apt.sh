# apt.sh: comes before the scripts that install packages.
export DEBIAN_FRONTEND=noninteractive
lock_wait=600 # seconds: the unattended upgrade of a fresh Ubuntu 24.04 holds dpkg's lock for several minutes
line_end='
'

# apt ARG...: runs apt-get, and waits while another program holds a lock. DPkg::Lock::Timeout waits for dpkg's locks, and
# not for the one of the package lists. Exit status 75: the lock was held for longer than lock_wait.
apt() {
    waited=0
    while :; do
        status=0
        { errors=$(apt-get -o Acquire::Retries=2 "$@" 2>&1 >&3 3>&-) || status=$?; } 3>&1
        case $status:$errors in
        0:*) return ;;
        *'Could not get lock '*) ;;
        *) break ;;
        esac
        if [ "$waited" -ge "$lock_wait" ]; then
            status=75
            break
        fi
        if [ "$waited" = 0 ]; then
            holder=${errors#*'It is held by process '} # "NUMBER (NAME)"
            if [ "$holder" = "$errors" ]; then holder='another program'; else holder="process ${holder%%"$line_end"*}"; fi
            echo "waiting for $holder, which installs packages"
        fi
        sleep 2
        waited=$((waited + 2))
    done
    echo "$errors" >&2
    return "$status"
}
