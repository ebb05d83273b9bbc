# ssh-access.sh USER HOME KEY (root): ssh lets USER in with KEY: it is among the user's keys, their files are as sshd wants them,
# the account has not expired and has a shell that runs commands, and sshd runs.
set -eu
user=$1 home=$2 key=$3
group=$(id -gn "$user")
file=$home/.ssh/authorized_keys
install -d -m 0700 -o "$user" -g "$group" "$home/.ssh"
chmod go-w "$home"
found=no
if [ -f "$file" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
        if [ "$line" = "$key" ]; then found=yes; fi
    done <"$file"
fi
if [ "$found" = no ]; then printf '\n%s\n' "$key" >>"$file"; fi
chown "$user:$group" "$file"
chmod 0600 "$file"
entry=$(getent passwd "$user")
case ${entry##*:} in
*/nologin | */false | */true) usermod -s /bin/bash "$user" ;;
?*) if [ ! -x "${entry##*:}" ]; then usermod -s /bin/bash "$user"; fi ;;
esac
getent shadow "$user" | {
    IFS=: read -r _ _ changed _ longest _ _ expires _
    today=$(($(date +%s) / 86400))
    if [ -n "$expires" ] && [ "$today" -ge "$expires" ]; then chage -E -1 "$user"; fi
    if [ "$changed" = 0 ] || { [ -n "$changed" ] && [ "$today" -gt $((changed + ${longest:-$today})) ]; }; then
        chage -d -1 "$user"
    fi
}
if [ -e /etc/nologin ]; then displace /etc/nologin; fi
# Its name is Debian's, or that of other distributions.
systemctl start ssh.service 2>/dev/null || systemctl start sshd.service
sync -f "$file"
