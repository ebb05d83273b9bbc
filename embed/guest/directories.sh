# directories.sh USER HOME (root): the agent's state directory and the user's own. /run/substrate is systemd's to make.
# directories.sh USER HOME CLOSED...: only opens the directories CLOSED to all users; what is behind them is for later.
set -eu
user=$1 home=$2
shift 2
if [ $# -gt 0 ]; then
    chmod a+rx "$@"
    exit 0
fi
group=$(id -gn "$user")
install -d -m 0750 -o root -g substrate /var/lib/substrate
install -d -m 0755 -o "$user" -g "$group" "$home/.substrate"
sync -f /var/lib/substrate
