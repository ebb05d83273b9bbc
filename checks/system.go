package checks

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// minimumMacOS is the first whose Virtualization framework Lima uses (its own documentation of vz).
const minimumMacOS = 13

// system checks that worlds exist for the operating system.
func system(h Host) Check {
	return Check{
		ID: "system", Title: "operating system",
		Probe: func(ctx context.Context) Finding {
			switch h.OS {
			case "linux":
				return linux(h)
			case "darwin":
				return macOS(ctx, h)
			}
			return failed("worlds cannot be made on "+h.OS, "Lima runs them on macOS and on Linux", "use a Mac, or a Linux machine")
		},
	}
}

func macOS(ctx context.Context, h Host) Finding {
	out, err := h.Run(ctx, "sw_vers")
	_, version, _ := strings.Cut(out, "ProductVersion:")
	version, _, _ = strings.Cut(strings.TrimSpace(version), "\n")
	if err != nil {
		return Finding{Found: "sw_vers does not say the version: " + err.Error()}
	}
	first, _, _ := strings.Cut(version, ".")
	major, err := strconv.Atoi(first)
	if err != nil {
		return Finding{Found: fmt.Sprintf("sw_vers printed %.80q, which names no version", out)}
	}
	if major < minimumMacOS {
		return failed(fmt.Sprintf("macOS %s is too old", version), fmt.Sprintf("worldsetup needs macOS %d or newer", minimumMacOS),
			"upgrade it: Apple menu > System Settings (or System Preferences) > Software Update")
	}
	return ok("macOS %s", version)
}

// linux names the distribution; any will do.
func linux(h Host) Finding {
	text, err := h.Read("/etc/os-release")
	if err != nil {
		return ok("Linux")
	}
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); found {
			return ok("%s", strings.Trim(name, `"'`))
		}
	}
	return ok("Linux")
}
