# python.sh: comes before the scripts that have to know whether the guest's python3 runs the built-in agent.
python=/usr/bin/python3 # as the agent's first line names it

# python_fault prints why it does not, on one line; nothing when it does.
python_fault() {
    status=0
    fault=$(timeout 10 "$python" -IS -c 'import json, os, socket, threading; print("works")' 2>&1) || status=$?
    case $status:$fault in
    0:works) ;;
    124:*) echo 'it does not end' ;;
    *) echo "exit status $status, $(printf '%s' "${fault:-no message}" | tail -n 1 | tr -cd '[:print:]' | tail -c 300)" ;;
    esac
}
