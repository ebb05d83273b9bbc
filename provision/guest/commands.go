package guest

import (
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// RootCommand is a command that root runs in the guest.
func RootCommand(vm, command string, args ...string) string {
	return fmt.Sprintf("limactl shell --workdir / %s sudo %s", shellescape.Quote(vm),
		strings.TrimSpace(command+" "+shellescape.QuoteCommand(args)))
}

// BootCommand returns the commands that have the next boot run a script as root, before the user logs in.
func BootCommand(vm, script string) string {
	edit := fmt.Sprintf(`.provision += [{"mode": "boot", "script": %q}]`, script)
	return fmt.Sprintf("limactl stop %s && limactl edit --set %s %[1]s && limactl start %[1]s", vm,
		shellescape.Quote(edit))
}
