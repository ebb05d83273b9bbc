# cargo.sh CARGO RUST (root): installs the distribution's cargo and rustc, if they are not older than CARGO and RUST, each as in 1.78, or
# "any". apt.sh comes before it. Exit status 4: they are, or there are none; 75: another program holds a lock.
set -eu
if ! command -v apt-get >/dev/null; then
    echo 'this guest has no apt-get to install one with' >&2
    exit 4
fi
at_least() { [ "$2" = any ] || printf '%s\n' "$2" "$1" | sort -CV; }
# offered PACKAGE: its version, as in 1.78. Debian's cargo once had the number of the library in it, which is 0.N+1 for 1.N.
offered() {
    version=$(apt-cache policy "$1" | sed -n 's/^  Candidate: \([0-9]*:\)\{0,1\}\([0-9]*\.[0-9]*\).*/\2/p')
    case $version in 0.*) version=1.$((${version#0.} - 1)) ;; esac
    echo "$version"
}
apt -qq update
offers=''
# Ubuntu has later ones beside its first, as cargo-1.80 with rustc-1.80: the latest of them comes last.
for package in cargo $(apt-cache search --names-only '^cargo-1\.[0-9]+$' | cut -d' ' -f1 | sort -V | tail -n 1); do
    cargo=$(offered "$package") rust=$(offered "rustc${package#cargo}")
    if [ -z "$cargo" ] || [ -z "$rust" ]; then continue; fi
    offers="$offers $package $cargo with rustc $rust;"
    if at_least "$cargo" "$1" && at_least "$rust" "$2"; then
        # Nothing is removed for it, and lines end as lines do.
        apt -y --no-remove -o Dpkg::Use-Pty=0 install --no-install-recommends -- \
            "$package" "rustc${package#cargo}" libc6-dev gcc
        sync -f /usr
        exit 0
    fi
done
echo "the distribution offers${offers:- none}" >&2
exit 4
