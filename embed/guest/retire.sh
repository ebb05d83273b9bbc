# retire.sh UNIT... (root): takes the units of older generations out of force: stopped, disabled, and renamed with their program,
# so that they can be taken back. UNIT is their name without a type. What is missing already is not an error.
set -eu
for unit; do
    for file in "$unit.socket" "$unit.service"; do
        path=/etc/systemd/system/$file
        if [ ! -e "$path" ] && [ ! -L "$path" ]; then continue; fi
        systemctl --quiet disable "$file"
        systemctl stop "$file" || {
            systemctl thaw "$file"
            systemctl stop "$file"
        }
        displace "$path"
    done
    program=/usr/local/bin/$unit
    if [ -e "$program" ] || [ -L "$program" ]; then displace "$program"; fi
done
systemctl daemon-reload
sync -f /etc/systemd/system
