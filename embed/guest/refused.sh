# refused.sh (root): prints, on one line, why the ssh server refused the last connections, in its own words; nothing when it doesn't say.
set -u
journalctl -q --no-pager -o cat -n 100 --since -2min -t sshd -t sshd-session -t sshd-auth |
    grep -iE 'not allowed|denied|expired|refused|nologin|error:|fatal:|failed' | tail -n 3 | tr '\n' ' '
