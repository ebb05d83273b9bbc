# directories.sh USER HOME CLOSED... (root): the agent's state directory and the user's own; whoever may, gets through those that
# are CLOSED. /run/substrate is systemd's to make.
set -eu
user=$1 home=$2
shift 2
if [ $# -gt 0 ]; then chmod a+rx "$@"; fi
group=$(id -gn "$user")
install -d -m 0750 -o root -g substrate /var/lib/substrate
install -d -m 0755 -o "$user" -g "$group" "$home/.substrate"
sync -f /var/lib/substrate
