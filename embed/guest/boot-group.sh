#!/bin/sh
# worldsetup: the group of the agent's socket, with the user in it, before the user exists and before its first session starts:
# Lima keeps one ssh connection open, and groups given later do not reach it. Lima puts the name in; runs at every boot.
set -eu
user='{{.User}}'
getent group substrate >/dev/null || groupadd --system substrate
for file in /etc/group /etc/gshadow; do
    [ -f "$file" ] || continue
    members=$(sed -n 's/^substrate:.*:\([^:]*\)$/\1/p' "$file")
    case ",$members," in
    *",$user,"*) ;;
    *) sed -i "s/^substrate:.*[^:]$/&,$user/; s/^substrate:.*:$/&$user/" "$file" ;;
    esac
done
