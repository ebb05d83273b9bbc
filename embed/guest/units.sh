# units.sh RELOAD SERVICE SOCKET RUNTIME DISPLACED... (root): installs the two units, whose texts are the arguments, and enables them for
# every boot. RUNTIME is the text of a unit that the service wants, without a trace in the service's own text; empty for none.
# RELOAD=no is for units that systemd has never read: it reads them when they start. A reload of everything takes 3 s on an
# emulated machine, in which it answers no one, and Lima has it done twice while a VM boots: it is not even asked.
# The files DISPLACED hide or contradict the units: systemd goes by names that end in .conf or in a unit's type, so under a longer
# one they are kept and ignored. One that is not there has the name of a drop-in that stays where it is, and is masked by it.
# Only root can write where the temporary files are made; what a killed run left there is overwritten.
set -eu
umask 022
dir=/etc/systemd/system
put() {
    for_file "$dir/.$1.new"
    printf '%s' "$2" >"$dir/.$1.new"
    if [ -f "$dir/$1" ] && [ ! -L "$dir/$1" ] && ! cmp -s "$dir/$1" "$dir/.$1.new"; then
        for_file "$dir/.$1.previous"
        ln -f "$dir/$1" "$dir/.$1.previous" # for activate.sh
    fi
    for_rename "$dir/$1"
    mv -fT "$dir/.$1.new" "$dir/$1"
}
reload=$1
put "$UNIT.service" "$2"
put "$UNIT.socket" "$3"
runtime=worldsetup-runtime.service
link=$dir/$UNIT.service.wants/$runtime
if [ -n "$4" ]; then
    put "$runtime" "$4"
    mkdir -p "${link%/*}"
    for_rename "$link"
    ln -sfT "$dir/$runtime" "$link"
elif [ -e "$dir/$runtime" ]; then
    rm -f "$link" "$dir/$runtime"
fi
shift 4
for file; do
    if [ -e "$file" ] || [ -L "$file" ]; then
        displace "$file"
    else
        mkdir -p "${file%/*}"
        ln -s /dev/null "$file"
    fi
done
# enable asks systemd, which reloads everything then; below a root of their own the links are only made.
if [ "$reload" = no ]; then set -- --root=/; else set --; fi
systemctl --quiet "$@" enable "$UNIT.service" "$UNIT.socket"
sync -f "$dir"
