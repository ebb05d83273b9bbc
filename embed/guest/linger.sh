# linger.sh USER (root): the user's services survive logout.
set -eu
loginctl enable-linger "$1"
test -e "/var/lib/systemd/linger/$1"
sync -f "/var/lib/systemd/linger/$1"
