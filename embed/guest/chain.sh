# chain.sh COMMAND...: runs the commands, whose words are quoted for a shell, one after the other until one fails, and prints a
# line after each that did not. No one is left to read that line when the caller is gone: then the next one is not begun.
# frame.sh sets MARK.
set -u
for command; do
    eval "$command" >/dev/null || exit
    echo "$MARK ended" || exit
done
