package checks

import (
	"context"
	"errors"
	"os/exec"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// quarantine checks that macOS does not hold limactl for a download that nobody has approved: such a program is killed.
func quarantine(h Host) Check {
	return Check{
		ID: "quarantine", Title: "quarantine",
		Probe: func(ctx context.Context) Finding {
			path, err := h.Find("limactl")
			if err != nil {
				return Finding{Outcome: Info, Found: "there is no limactl yet"}
			}
			attributes, err := h.Run(ctx, "xattr", path)
			if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
				return Finding{Found: err.Error()}
			}
			if !strings.Contains(attributes, "com.apple.quarantine") {
				return ok("none")
			}
			command := []string{"xattr", "-d", "com.apple.quarantine", path}
			return failed("macOS holds limactl in quarantine", path+" was downloaded by a program that marks what it downloads, and macOS kills it unless it is notarized",
				"if you trust where it is from: "+shellescape.QuoteCommand(command)).fixable("", command...)
		},
	}
}
