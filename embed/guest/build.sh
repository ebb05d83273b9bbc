# build.sh DIR PROJECT PROFILE CARGO RUST TARGET... (the user who logs in): builds programs of the Cargo workspace PROJECT with
# --locked and a profile of Cargo, in DIR below the home directory, with a cargo not older than CARGO and a rustc not older than
# RUST, each as in 1.78, or "any". A TARGET is PACKAGE/NAME, or /NAME for the program NAME of any package.
# Prints what cargo reports and then, last, "built SIZE SHA256 FILE" for each. Nothing is written to PROJECT, and DIR is there
# afterwards only with the FILEs in it, when all went well. Standard input stays open while the caller waits: its end ends the build.
# Exit status 4: no such cargo is there.
set -eu
export CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=never
dir=$HOME/$1 project=$2 profile=$3 want_cargo=$4 want_rust=$5
shift 5
# Older versions of cargo have no --profile; that of development is the usual one, in a directory of another name.
output=$profile
case $profile in
dev | debug) profile='' output=debug ;;
release) profile=--release ;;
*) profile=--profile=$profile ;;
esac

# at_least VERSION WANT
at_least() { [ "$2" = any ] || printf '%s\n' "$2" "$1" | sort -CV; }

# usable DIRECTORY: its cargo and rustc run (rustup's may not know which) and are not too old. The project may set which
# toolchain rustup takes, so this is asked there.
usable() {
    [ -x "$1/cargo" ] && [ -x "$1/rustc" ] || return 1
    cargo=$("$1/cargo" --version 2>&1) && rust=$("$1/rustc" --version 2>&1) || return 1
    found="$found
$1 has $cargo and $rust"
    cargo=${cargo#cargo } rust=${rust#rustc }
    at_least "${cargo%% *}" "$want_cargo" && at_least "${rust%% *}" "$want_rust"
}

rm -rf "$dir" # what a killed run has left
if ! cd "$project" 2>/dev/null || [ ! -f Cargo.toml ]; then
    echo "$project/Cargo.toml is not to be seen in the VM" >&2
    exit 1
fi
found='' toolchain=''
# Ubuntu's later versions are in packages of their own, see cargo.sh.
for candidate in "$HOME/.cargo/bin" "$(dirname "$(command -v cargo || echo /usr/bin/cargo)")" /usr/lib/rust-*/bin; do
    if usable "$candidate"; then toolchain=$candidate && break; fi
done
if [ -z "$toolchain" ]; then
    echo "no cargo of version $want_cargo with a rustc of version $want_rust, or later:${found:- there is none}" >&2
    exit 4
fi
PATH=$toolchain:$PATH

mkdir -p "$dir/out"
pid='' watcher='' keep=no
end() {
    trap - EXIT
    if [ -n "$pid" ]; then kill -s KILL -- "-$pid" 2>/dev/null || :; fi
    if [ -n "$watcher" ]; then kill "$watcher" 2>/dev/null || :; fi
    # A compiler that is just being killed may still make a file.
    if [ "$keep" = no ]; then rm -rf "$dir" 2>/dev/null || rm -rf "$dir"; fi
}
trap end EXIT
trap 'exit 1' HUP INT TERM
trap '' PIPE # a caller that is gone is no reason to leave things behind
# What is fetched goes to where cargo keeps it, if the user has such a place, and is not left behind otherwise.
if [ ! -d "$HOME/.cargo" ]; then export CARGO_HOME="$dir/home"; fi

exec 3<&0
build() {
    what=--bin=$2
    if [ -n "$1" ]; then what=--package=$1; fi
    # A session of its own, so that all compilers end together.
    setsid cargo build ${profile:+"$profile"} --locked "$what" --manifest-path "$project/Cargo.toml" --target-dir "$dir/build" </dev/null 2>&1 3<&- &
    pid=$!
    { read -r _ <&3 || kill -s KILL -- "-$pid"; } >/dev/null 2>&1 &
    watcher=$!
    code=0
    wait "$pid" || code=$?
    pid=''
    kill "$watcher" 2>/dev/null || : # its number may soon be another process's
    watcher=''
    if [ "$code" != 0 ]; then exit "$code"; fi
    # The project's own settings of cargo may put a target's name in between.
    for file in "$dir/build/$output/$2" "$dir/build"/*/"$output/$2"; do
        if [ -f "$file" ]; then mv -f "$file" "$dir/out/$2" && break; fi
    done
    if [ ! -f "$dir/out/$2" ]; then
        echo "${1:-the workspace} was built, and there is no program called $2 in it" >&2
        exit 1
    fi
}
for target; do build "${target%/*}" "${target##*/}"; done
rm -rf "${dir:?}/build" "${dir:?}/home"
sync -f "$dir"
for target; do
    file=$dir/out/${target##*/}
    sum=$(sha256sum <"$file")
    size=$(stat -c %s "$file")
    echo "built $size ${sum%% *} $file"
done
keep=yes
