# entry.sh USER HOME KEY (root): ssh lets USER in with KEY: it is among the user's keys, their files are as sshd wants them, and sshd runs.
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
# Its name is Debian's, or everybody else's.
systemctl start ssh.service 2>/dev/null || systemctl start sshd.service
sync -f "$file"
