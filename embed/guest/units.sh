# units.sh SERVICE SOCKET (root): installs the two units, whose texts are the arguments, and enables them for every boot.
# Only root can write where the temporary files are made; what a killed run left there is overwritten.
set -eu
umask 022
dir=/etc/systemd/system
put() {
    printf '%s' "$2" >"$dir/.$1.new"
    mv -fT "$dir/.$1.new" "$dir/$1"
}
put substrate-world-agent.service "$1"
put substrate-world-agent.socket "$2"
# enable reloads systemd's configuration as well.
systemctl --quiet enable substrate-world-agent.service substrate-world-agent.socket
sync -f "$dir"
