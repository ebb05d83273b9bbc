# units.sh SERVICE SOCKET ASIDE... (root): installs the two units, whose texts are the arguments, and enables them for every boot.
# The files ASIDE hide or contradict them: systemd goes by names that end in .conf or in a unit's type, so a longer name is kept and ignored.
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
shift 2
for file; do mv --backup=numbered -fT "$file" "$file.set-aside"; done
# enable reloads systemd's configuration as well.
systemctl --quiet enable substrate-world-agent.service substrate-world-agent.socket
sync -f "$dir"
