# displace.sh: comes before the scripts that put something where something else may be.

# displace PATH: renames it to PATH.displaced, or with a number after that when there is one. The mv of uutils 0.12 overwrites a
# link that leads nowhere in spite of --backup=numbered, or fails.
displace() {
    displaced=$1.displaced number=0
    while [ -e "$displaced" ] || [ -L "$displaced" ]; do
        number=$((number + 1))
        displaced=$1.displaced.$number
    done
    mv -T "$1" "$displaced"
}

# for_directory PATH: nothing but a directory is at PATH.
for_directory() {
    if [ -L "$1" ] || { [ -e "$1" ] && [ ! -d "$1" ]; }; then displace "$1"; fi
}

# for_rename PATH: a file can be renamed to PATH: no directory is there.
for_rename() {
    if [ -d "$1" ] && [ ! -L "$1" ]; then displace "$1"; fi
}

# for_file PATH: a file can be written to PATH: neither a directory nor a link is there.
for_file() {
    if [ -L "$1" ]; then rm -f "$1"; fi
    for_rename "$1"
}
