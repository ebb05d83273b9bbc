# obstacles.sh PATH... (root): prints what keeps even root from changing a PATH, one KIND|PATH a line. KIND is immutable or
# append-only (an attribute), read-only or bind-read-only (the mount at PATH), no-room or no-inodes (of the mount at PATH).
set -u
for path; do
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then continue; fi
    attributes=$(lsattr -d -- "$path" 2>/dev/null)
    case ${attributes%% *} in *i*) echo "immutable|$path" ;; esac
    case ${attributes%% *} in *a*) echo "append-only|$path" ;; esac
    at='' options=''
    while read -r _ _ _ _ target flags rest; do
        # mountinfo writes a space as \040, which printf %b reads.
        case $target in *\\*) target=$(printf '%b' "$target") ;; esac
        case $path/ in "${target%/}"/*) if [ ${#target} -ge ${#at} ]; then at=$target options=$flags,,${rest##* }; fi ;; esac
    done </proc/self/mountinfo
    case ,${options#*,,}, in
    *,ro,*) echo "read-only|$at" ;;
    *) case ,${options%%,,*}, in *,ro,*) echo "bind-read-only|$at" ;; esac ;;
    esac
    room=$(stat -f -c '%a %c %d' -- "$at") && {
        case $room in '0 '*) echo "no-room|$at" ;; esac
        case $room in *' 0 0') ;; *' 0') echo "no-inodes|$at" ;; esac
    }
done
