# group.sh USER (root): the system group "substrate" exists and USER is a member on paper.
set -eu
user=$1
getent group substrate >/dev/null || groupadd --system substrate
case " $(id -nG "$user") " in
*' substrate '*) ;;
*) usermod -aG substrate "$user" ;;
esac
case " $(id -nG "$user") " in
*' substrate '*) ;;
*)
    echo "user $user is still not a member of group substrate" >&2
    exit 1
    ;;
esac
sync -f /etc/group
