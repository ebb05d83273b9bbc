# patiently.sh: comes before the scripts that look into mounts.

# patiently PID...: waits until the processes have ended, but not for long: what asks a mount that doesn't answer is ended by no
# signal, and left behind.
patiently() {
    for pause in 0.01 0.02 0.05 0.1 0.2 0.4 0.8 1.6 3.2; do
        running=no
        for pid; do
            # The one that has ended is a zombie until the shell waits for it.
            if read -r state <"/proc/$pid/stat"; then case ${state##*)} in ' Z '*) ;; *) running=yes ;; esac fi
        done 2>/dev/null
        if [ "$running" = no ]; then return; fi
        sleep "$pause"
    done
}
