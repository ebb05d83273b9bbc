# clock.sh SECONDS (root): moves the clock by so many seconds, which may have a sign and a fraction.
set -eu
date -s "now $1 seconds" >/dev/null
