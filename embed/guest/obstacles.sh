# obstacles.sh PATH... (root): prints what keeps even root from changing a PATH, one KIND|PATH a line. KIND is immutable or
# append-only (an attribute), read-only or bind-read-only (the mount at PATH), no-room or no-inodes (of the mount at PATH), or
# mounted (over a file, which nothing can take the place of then).
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
    if [ "$at" = "$path" ] && [ ! -d "$path" ]; then echo "mounted|$path"; fi
    case ,${options#*,,}, in
    *,ro,*) echo "read-only|$at" ;;
    *) case ,${options%%,,*}, in *,ro,*) echo "bind-read-only|$at" ;; esac ;;
    esac
    stat -f -c '%a %c %d' -- "$at" | while read -r blocks files free; do
        if [ "$blocks" = 0 ]; then echo "no-room|$at"; fi
        # Some are free for a moment whenever something else ends.
        if [ "$files" != 0 ] && [ "$free" -lt 16 ]; then echo "no-inodes|$at"; fi
    done
done
