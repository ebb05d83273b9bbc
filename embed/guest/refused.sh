# refused.sh USER WHAT (root): prints what may refuse USER over a new ssh connection, a cause a line. WHAT was refused:
# login, session (the login shell or a command in its place ran, and not our script) or forward (of a socket).
# A line "setting=NAME VALUE" is a setting of sshd's, which a person decided; the others are for ssh-access.sh to repair.
set -u
user=$1 what=$2

account() {
    entry=$(getent passwd "$user")
    shell=${entry##*:}
    case $shell in
    */nologin | */false | */true) echo "the login shell of $user is $shell" ;;
    ?*) if [ ! -x "$shell" ]; then echo "the login shell of $user is $shell, which cannot be run"; fi ;;
    esac
    if [ -e /etc/nologin ]; then echo 'the file /etc/nologin refuses every user but root'; fi
    getent shadow "$user" | {
        IFS=: read -r _ _ changed _ longest _ _ expires _
        today=$(($(date +%s) / 86400))
        if [ -n "$expires" ] && [ "$today" -ge "$expires" ]; then
            echo "the account of $user has expired"
        elif [ "$changed" = 0 ] || { [ -n "$changed" ] && [ "$today" -gt $((changed + ${longest:-$today})) ]; }; then
            echo "the password of $user has expired"
        fi
    }
}

# Lima's connections come from this address. Some versions of sshd print the names as the manual does.
address=192.168.5.2
config=$(sshd -T -C "user=$user,host=localhost,addr=$address" 2>/dev/null | sed 's/^[^ ]*/\L&/')

# matches LIST NAME...: a pattern of the list matches one of the names, and the address where it has one: NAME@ADDRESS.
matches() {
    list=$1
    shift
    printf '%s\n' "$config" | {
        while read -r key pattern; do
            if [ "$key" != "$list" ]; then continue; fi
            case $pattern in *@*) ;; *) pattern="$pattern@*" ;; esac
            for name; do
                # shellcheck disable=SC2254 # it is a pattern
                case $name@$address in $pattern) exit 0 ;; esac
            done
        done
        exit 1
    }
}

# has LIST: the configuration has the list.
has() { printf '%s\n' "$config" | grep -q "^$1 "; }

# deciding prints the name of the list that keeps the user out, in the order in which sshd reads them.
deciding() {
    groups=$(id -Gn "$user")
    # shellcheck disable=SC2086 # the names of groups have no spaces
    if matches denyusers "$user"; then
        echo DenyUsers
    elif has allowusers && ! matches allowusers "$user"; then
        echo AllowUsers
    elif matches denygroups $groups; then
        echo DenyGroups
    elif has allowgroups && ! matches allowgroups $groups; then
        echo AllowGroups
    fi
}

settings() {
    deciding=$(deciding)
    printf '%s\n' "$config" | while read -r name value; do
        case $what/$name/$value in
        login/allowusers/*) setting=AllowUsers ;;
        login/denyusers/*) setting=DenyUsers ;;
        login/allowgroups/*) setting=AllowGroups ;;
        login/denygroups/*) setting=DenyGroups ;;
        login/pubkeyauthentication/no) setting=PubkeyAuthentication ;;
        login/authorizedkeysfile/*.ssh/authorized_keys*) continue ;;
        login/authorizedkeysfile/*) setting=AuthorizedKeysFile ;;
        login/maxsessions/0) setting=MaxSessions ;;
        session/forcecommand/none) continue ;;
        session/forcecommand/*) setting=ForceCommand ;;
        forward/allowstreamlocalforwarding/[nr]*) setting=AllowStreamLocalForwarding ;; # no, or remote
        forward/allowtcpforwarding/[nr]*) setting=AllowTcpForwarding ;;
        forward/disableforwarding/yes) setting=DisableForwarding ;;
        *) continue ;;
        esac
        case $setting in
        Allow*s | Deny*) if [ "$setting" != "$deciding" ]; then continue; fi ;;
        esac
        echo "setting=$setting $value"
    done
}

if [ "$what" != forward ]; then account; fi
settings
