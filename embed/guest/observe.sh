# observe.sh OTHERS LAYOUT CLOSED BROKER ASK MOUNTPOINT...
# Prints what this guest is, one fact a line, between a version line and "end". Needs no root and changes nothing.
# OTHERS are the units of other generations, without their types, in one word: of those it only says which files are there.
# LAYOUT is the expected SHA-256 of the marker. CLOSED are paths, in one word, to which only root and the socket's group
# have a way. BROKER are the variables, in one word, that the service has in a VM that belongs to a broker. ASK are those, in one
# word, who ask the agent meanwhile, as in verify.sh.
# Called as "mounts" it prints only what is mounted at each MOUNTPOINT. Called as "new", in a guest that was just made and is
# booting, it prints "untouched=yes" and observes no further than that takes, if nothing of ours is there.
# The reader is provision/guest.ParseObservation: a key unknown there is an error, so both change together. The order of
# lines does not matter, since parts run side by side: on an emulated machine every process costs 0.1 s.
set -u
newline='
'

others=$1 layout=$2 closed=$3 broker=$4 asks=$5
shift 5
agent=/usr/local/bin/$UNIT
gateway=/usr/local/bin/substrate-gateway
cli=/usr/local/bin/substrate
wrapper=/usr/local/bin/world
units=/etc/systemd/system/$UNIT
runtime=/etc/systemd/system/worldsetup-runtime.service
marker=/etc/substrate-lima-layout

# each PREFIX: every line of the input with PREFIX before it.
each() { while IFS= read -r line; do echo "$1$line"; done; }

account() {
    user=$(id -un)
    echo "user=$user"
    echo "account-groups=$(id -nG "$user")"
    if [ -e "/var/lib/systemd/linger/$user" ]; then echo 'linger=yes'; else echo 'linger=no'; fi
}

# Sizes in bytes, modes in octal.
status() { stat -c 'stat=%F|%a|%U|%G|%s|%i|%n' -- "$@" 2>/dev/null; }
files() {
    for other in $others; do
        set -- "$@" "/usr/local/bin/$other" "/etc/systemd/system/$other.service" "/etc/systemd/system/$other.socket"
    done
    status "$@" "$agent" "$gateway" "$cli" "$wrapper" "$units.service" "$units.socket" "$runtime" "$units.service.wants/${runtime##*/}" "$marker" /run/substrate.sock \
        /var/lib/substrate "$HOME/.substrate" "$HOME" "$HOME/.ssh" "$HOME/.ssh/authorized_keys" \
        / /run /usr /usr/local /usr/local/bin /etc /etc/systemd /etc/systemd/system /var /var/lib
    set --
    for file in "$agent" "$gateway" "$cli" "$wrapper" "$units.service" "$units.socket" "$runtime" "$marker"; do
        if [ -f "$file" ]; then set -- "$@" "$file"; fi # a reader of a pipe waits
    done
    if [ $# = 0 ]; then return; fi
    sha256sum -- "$@" 2>/dev/null | while IFS= read -r line; do
        echo "sha256=$line"
        case $line in
        "$layout  "*) ;;
        *"  $marker") echo "marker=$(od -A n -v -t x1 -N 65 -w65 "$marker")" ;;
        esac
    done
}

# Up to 64 of a mount's entries, to compare with the host's directory, and how it answers. A name that never was there is in no
# cache: the host has to be asked for it. Nor is a directory's list in one, while the directory itself may be.
entries() {
    if [ -e "$2/.worldsetup.$$" ]; then :; fi
    {
        if find "$2/" -mindepth 1 -maxdepth 1 ! -name "*$newline*" -printf '%y|%s|%T@|%f\n' 2>/dev/null; then echo listed; fi
    } | {
        count=0 answers=no
        while [ "$count" -lt 64 ] && IFS= read -r line; do
            answers=yes
            if [ "$line" != listed ]; then echo "entry=$1|$line"; fi
            count=$((count + 1))
        done
        # The host may refuse what the guest allows: macOS lets no one read some directories.
        if [ "$answers" = no ]; then
            case $(find "$2/" -maxdepth 0 -empty 2>&1 >/dev/null) in *': Operation not permitted') answers=refused ;; esac
        fi
        echo "answers=$1|$answers"
    }
}

# What only root sees, in the one process that shows whether sudo works: whether / can be written to, whether the service's
# processes run the installed agent, what is at the closed paths, what is laid over our units, and last the sockets that listen at our path and whose they
# are. It reads what units asks for: "files", the files with an environment, and "listeners".
# shellcheck disable=SC2016 # root's shell expands it
root_view='
    trap wait EXIT
    sock=/run/substrate.sock service=$UNIT.service socket=$UNIT.socket
    if [ -w /etc ]; then echo root-fs=rw; else echo root-fs=ro; fi
    program=$1
    shift
    if [ -f "$program" ] && IFS= read -r line <"$program"; then case $line in "#!"*) line=${line#??} program=${line%% *} ;; esac fi 2>/dev/null
    runs=
    while read -r pid; do
        # Between fork and exec it is systemd still.
        if [ "/proc/$pid/exe" -ef /proc/1/exe ] || [ "/proc/$pid/exe" -ef /usr/lib/systemd/systemd-executor ]; then continue; fi
        if [ "/proc/$pid/exe" -ef "$program" ]; then runs=installed && break; else runs=other; fi
    done 2>/dev/null <"/sys/fs/cgroup/system.slice/$service/cgroup.procs"
    if [ -n "$runs" ]; then echo "agent-runs=$runs"; fi

    listeners=
    while IFS= read -r line; do
        case $line in
        files)
            systemctl cat "$service" "$socket" | head -c 65536 |
                while IFS= read -r line || [ -n "$line" ]; do echo "text=$line"; done
            ;;
        listeners) listeners=asked ;;
        *)
            # It may be a pattern. The shell joins lines as systemd does.
            (IFS=
            for file in $line; do
                if [ ! -f "$file" ]; then continue; fi
                while read line || [ -n "$line" ]; do
                    case $line in *SUBSTRATE_*) echo "file-sets=$file|$line" ;; esac
                done <"$file"
            done)
            ;;
        esac
    done
    ask_as_root $ASK # this may start the agent, whose state was read before
    if [ $# -gt 0 ]; then stat -c "stat=%F|%a|%U|%G|%s|%i|%n" -- "$@"; fi
    if ! command -v ss >/dev/null; then exit 0; fi
    echo listeners=seen
    lines=$(ss -xlHe src "$sock")
    case $lines in "") exit 0 ;; *LISTEN*LISTEN*) listeners=asked ;; esac
    echo "$lines"
    if [ -z "$listeners" ]; then exit 0; fi
    systemctl list-sockets --full --plain --no-legend | while read -r path unit _; do
        if [ "$path" = "$sock" ] && [ "$unit" != "$socket" ]; then echo "stranger=$unit|1"; fi
    done
    ss -xlHp src "$sock" | while IFS= read -r line; do
        # The one above names the unit of what systemd holds.
        case $line in *pid=1,*) continue ;; *pid=*) line=${line#*pid=} pid=${line%%[!0-9]*} ;; *) continue ;; esac
        path=
        while IFS=: read -r _ _ line; do path=$line; done 2>/dev/null <"/proc/$pid/cgroup" # the last is of version 2
        case $path in
        *"/$service" | *"/$service/"*) ;;
        */user.slice/*) echo "stranger=|$pid" ;;
        *.service | *.scope) echo "stranger=${path##*/}|$pid" ;;
        *) echo "stranger=|$pid" ;;
        esac
    done
'

# access_view: what root adds about who may be in which group: the files of users and groups, of whose passwords only
# whether there is one.
# shellcheck disable=SC2016 # root's shell expands it
access_view='
    has() { case $1 in "" | x | "!"* | "*"*) has=no ;; *) has=yes ;; esac }
    while IFS=: read -r name password number members; do
        has "$password"
        printf "etc-group=%s|%s|%s|%s\n" "$name" "$number" "$has" "$members"
    done </etc/group
    while IFS=: read -r name _ number group _; do printf "etc-passwd=%s|%s|%s\n" "$name" "$number" "$group"; done </etc/passwd
    while IFS=: read -r name password admins members; do
        has "$password"
        printf "etc-gshadow=%s|%s|%s|%s\n" "$name" "$has" "$admins" "$members"
    done </etc/gshadow
'

# sources: where the C library looks for groups.
sources() {
    while read -r database places; do
        case $database in group: | initgroups:) echo "sources=${database%:}|$places" ;; esac
    done </etc/nsswitch.conf
} 2>/dev/null

# access_lists: the access lists of our files and of the directories above them, as getfacl prints them. Without getfacl only
# whose they are.
access_lists() {
    set -- /run/substrate.sock /run/substrate /var/lib/substrate \
        / /run /usr /usr/local /usr/local/bin /etc /etc/systemd /etc/systemd/system /var /var/lib
    if command -v getfacl >/dev/null; then
        getfacl -psE -- "$@" 2>/dev/null | each acl=
    else
        # shellcheck disable=SC2012 # only ls shows, by a "+", that there is one
        ls -ld -- "$@" 2>/dev/null | while read -r mode rest; do
            case $mode in *+) echo "acl=# file: ${rest##* }" ;; esac
        done
    fi
}

# ways: what is mounted on the way to our files, with its options.
ways() {
    while read -r _ _ _ _ target flags rest; do
        case $target in
        /run | /run/substrate | /usr | /usr/local | /usr/local/bin | "$agent" | /etc | /etc/systemd | /etc/systemd/system | \
            "$units".* | "$marker" | /var | /var/lib | /var/lib/substrate)
            echo "way=$target|$flags|${rest##* }"
            ;;
        esac
    done </proc/self/mountinfo
}

# tools: what tools of the system have left: a service with the variables of a broker, and fixed name servers. A resolver is
# asked about only beside those. It costs no process.
tools() {
    for file in $UNIT $others; do
        file=$file.service
        if [ ! -f "/etc/systemd/system/$file" ]; then continue; fi
        while IFS= read -r line; do
            for name in $broker; do
                case $line in
                Environment=*"$name="*)
                    value=${line#*"$name="}
                    case $value in "" | [\"\'\ ]*) ;; *) echo "broker=$file|$name" ;; esac
                    ;;
                esac
            done
        done <"/etc/systemd/system/$file"
    done
    pins=''
    if [ -f /etc/dnsmasq.d/substrate.conf ]; then
        while read -r line; do
            case ${line#server=} in
            "$line" | "" | *[!0-9a-fA-F.:#]*) ;;
            *) pins=yes && echo "pin=/etc/dnsmasq.d/substrate.conf|${line#server=}" ;;
            esac
        done </etc/dnsmasq.d/substrate.conf
    fi
    if [ -f /etc/resolv.conf ] && [ ! -L /etc/resolv.conf ]; then
        while read -r word value _; do
            case $word/$value in nameserver/1.1.1.1) pins=yes && echo "pin=/etc/resolv.conf|$value" ;; esac
        done </etc/resolv.conf
    fi
    if [ -z "$pins" ]; then return; fi
    if [ ! -e /etc/resolv.conf ]; then
        echo resolver=missing
    elif [ -e /usr/lib/systemd/system/systemd-resolved.service ] && [ ! -L /etc/systemd/system/dbus-org.freedesktop.resolve1.service ]; then
        echo resolver=off
    fi
} 2>/dev/null

# fails PROPERTIES: the service has failed, or was started again just now, which systemd calls active for a moment.
fails() {
    case $1 in
    *ActiveState=failed* | *ActiveState=activating*) return 0 ;;
    *ActiveState=inactive* | *NRestarts=0*) return 1 ;;
    esac
    since=${1##*ActiveEnterTimestampMonotonic=}
    since=${since%%"$newline"*}
    read -r up _ </proc/uptime
    [ $((${up%.*} - ${since:-0} / 1000000)) -lt 5 ]
}

# units: one block of properties a unit, separated by a bare "unit.", the service first; and then its runtime directory.
# systemd calls a service active some milliseconds before it makes that, and a connection may just have started it.
# Facts go to 3, and to standard output what root is to look into.
units() {
    properties=$(systemctl show \
        -p Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,NRestarts,Result,FragmentPath,DropInPaths \
        -p EnvironmentFiles,ActiveEnterTimestampMonotonic "$UNIT.service" "$UNIT.socket")
    echo "$properties" | each unit. >&3
    case ${properties%%"$newline$newline"*} in
    *ActiveState=active*)
        for _ in 1 2 3 4 5; do
            if [ -d /run/substrate ]; then break; fi
            sleep 0.1
        done
        ;;
    esac
    if fails "${properties%%"$newline$newline"*}"; then
        fault=$(python_fault)
        if [ -n "$fault" ]; then echo "python=$fault" >&3; fi
    fi
    status /run/substrate >&3
    case $properties in
    *DropInPaths=[/\"]*)
        echo files
        echo "$properties" | while IFS= read -r line; do
            case $line in EnvironmentFiles=?*) line=${line#*=} && echo "${line% (*}" ;; esac
        done
        ;;
    esac
    case ${properties#*"$newline$newline"} in *ActiveState=active*) ;; *) echo listeners ;; esac
    case " $asks " in
    *' self '*)
        exec >&- # root reads to its end
        # shellcheck disable=SC2154 # ask.sh has it
        eval "$asking"
        ask self >&3
        ;;
    esac
}

# others: what systemd gives to every service, of our names; the units that are started at a boot and listen at our path; and
# what stands where our units are wanted.
others() {
    systemctl show-environment | while IFS= read -r line; do
        case $line in SUBSTRATE_*) echo "all-have=$line" ;; esac
    done
    for place in /etc/systemd/system.control /run/systemd/system.control /run/systemd/transient /etc/systemd/system; do
        for link in "multi-user.target.wants/$UNIT.service" "sockets.target.wants/$UNIT.socket"; do
            # shellcheck disable=SC3013 # dash has it
            if [ -e "$place/$link" ] && [ ! "$place/$link" -ef "/etc/systemd/system/${link#*/}" ]; then
                echo "unwanted=$place/$link"
            fi
        done
    done
    grep -ls '^[[:space:]]*Listen[A-Za-z]*[[:space:]]*=.*run/substrate\.sock[[:space:]]*$' \
        /etc/systemd/system/*.wants/*.socket /run/systemd/system/*.wants/*.socket /usr/lib/systemd/system/*.wants/*.socket \
        /etc/systemd/system/*.requires/*.socket |
        while IFS= read -r line; do
            line=${line##*/}
            if [ "$line" != "$UNIT.socket" ]; then echo "stranger=$line|0"; fi
        done
}

# room: what is used and left on the file systems at / and /run, as df prints it. The df of Rust's coreutils asks every mount,
# also one that doesn't answer.
room() {
    stat -f -c '%S %b %f %a %c %d %n' / /run | while read -r size blocks free available files left target; do
        used=$((blocks - free)) inodes=- percent=0
        if [ "$files" != 0 ]; then inodes=$(((files - left) * 100 / files))%; fi
        if [ $((used + available)) != 0 ]; then percent=$(((used * 100 + used + available - 1) / (used + available))); fi
        echo "df=- $((blocks * size / 1024)) $((used * size / 1024)) $((available * size / 1024)) $percent% $left $inodes $target"
    done
}

# untouched: whether nothing of ours is there. Images can come with things.
untouched() {
    for other in $others; do set -- "$@" "/usr/local/bin/$other" "/etc/systemd/system/$other".*; done
    for path in "$@" "$agent" "$gateway" "$cli" "$wrapper" "$units".* "/usr/lib/systemd/system/$UNIT".* /run/substrate.sock \
        /var/lib/substrate "$marker" "$HOME/.substrate"; do
        if [ -e "$path" ] || [ -L "$path" ]; then return 1; fi
    done
}

echo 'worldsetup-observe 1'
mode=$0 parts='' mounts=''
if [ "$mode" = new ]; then
    if untouched; then
        echo 'untouched=yes'
        account &
        parts=$!
    else
        mode=observe
    fi
fi
if [ "$mode" = observe ]; then
    exec 3>&1
    units | {
        # shellcheck disable=SC2086,SC2154 # CLOSED are paths of ours; ask.sh has the rest
        if sudo -n -- /usr/bin/env -i PATH="$PATH" LC_ALL=C UNIT="$UNIT" ASK="$asks" \
            /bin/sh -c "$asking$asking_as_root$access_view$root_view" root_view "$agent" $closed 2>/dev/null; then
            echo 'sudo=yes'
        else
            printf 'sudo=no\nsudo-output=%s\n' "$(sudo -n true 2>&1 | tr '\n\r' '  ')"
            not_asked $asks
        fi
    } &
    parts=$!
    for part in others files access_lists account; do
        "$part" &
        parts="$parts $!"
    done
    ways
    sources
    tools
fi

index=0
for mountpoint; do
    options=
    while read -r _ _ _ _ target flags rest; do
        # mountinfo writes a space as \040, which printf %b reads.
        case $target in *\\*) target=$(printf '%b' "$target") ;; esac
        if [ "$target" = "$mountpoint" ]; then
            rest=${rest#*- }
            options="${rest%% *} $flags"
        fi
    done </proc/self/mountinfo
    echo "mount=$index|$options"
    if [ -n "$options" ]; then
        entries "$index" "$mountpoint" &
        mounts="$mounts $!"
    fi
    index=$((index + 1))
done
# shellcheck disable=SC2086 # they are numbers
if [ "$mode" = mounts ]; then
    patiently $mounts
    echo end
    exit
fi

echo "home=$HOME"
echo "session-groups=$(id -nG)"
echo "group=$(getent group substrate)"
for command in nft ip conntrack dnsmasq fusermount3 fuse-overlayfs curl jq; do
    command -v "$command" >/dev/null || echo "missing=$command"
done
# shellcheck disable=SC2154 # python.sh has it
if [ ! -x "$python" ]; then echo missing=python3; fi
if [ "$mode" = observe ]; then
    room
    echo "time=$(date +%s.%N)"
fi
# shellcheck disable=SC2086
wait $parts
# shellcheck disable=SC2086
patiently $mounts
echo end
