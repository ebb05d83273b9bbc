# units.sh SERVICE SOCKET (root): installs the two units, whose texts are the arguments, and enables them for every boot.
set -eu
dir=/etc/systemd/system
temp=
trap 'rm -f "$temp"' EXIT
put() {
    temp=$(mktemp "$dir/.$1.XXXXXXXX")
    printf '%s' "$2" >"$temp"
    chown root:root "$temp"
    chmod 0644 "$temp"
    mv -fT "$temp" "$dir/$1"
}
put substrate-world-agent.service "$1"
put substrate-world-agent.socket "$2"
# enable reloads systemd's configuration as well.
systemctl --quiet enable substrate-world-agent.service substrate-world-agent.socket
