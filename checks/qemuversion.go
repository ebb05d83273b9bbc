package checks

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// minimumQEMU is the oldest major version that Lima supports (its installation page).
const minimumQEMU = 7

// qemuVersion checks that QEMU answers, and is not too old.
func qemuVersion(h Host, arch limatype.Arch) Check {
	return Check{
		ID: "qemu-version", Title: "QEMU's version", Requires: []string{"qemu"},
		Probe: func(ctx context.Context) Finding {
			command, err := readQEMU(arch, h.Getenv)
			if err != nil {
				return Finding{Found: err.Error()}
			}
			out, err := h.Run(ctx, command.program, "--version")
			if err != nil {
				return Finding{Found: fmt.Sprintf("%s --version: %v", command.program, err)}
			}
			match := regexp.MustCompile(`version (\d+)\.\S+`).FindStringSubmatch(out)
			if match == nil {
				return Finding{Found: fmt.Sprintf("%s --version printed %.60q", command.program, strings.TrimSpace(out))}
			}
			if major, _ := strconv.Atoi(match[1]); major < minimumQEMU {
				return warning("QEMU %s", strings.TrimPrefix(match[0], "version ")).because("QEMU is old",
					fmt.Sprintf("Lima wants %d.0 or newer", minimumQEMU), "upgrade it with your package manager, or use a newer release of your system")
			}
			return ok("QEMU %s", strings.TrimPrefix(match[0], "version "))
		},
	}
}
