package checks

import (
	"context"
	"errors"
	"os/exec"
	"strings"
)

// vzEntitlement is what macOS asks of a program that makes VMs.
const vzEntitlement = "com.apple.security.virtualization"

// entitlement checks that limactl's signature lets it make VMs. Package managers that sign it anew lose that.
func entitlement(h Host) Check {
	return Check{
		ID: "vz-entitlement", Title: "permission to make VMs", Requires: []string{"limactl"},
		Probe: func(ctx context.Context) Finding {
			path, err := h.Find("limactl")
			if err != nil {
				return Finding{Found: err.Error()}
			}
			// What --xml prints is not for older versions of codesign; both forms hold the name, and this one works everywhere.
			out, err := h.Run(ctx, "codesign", "-d", "--entitlements", "-", path)
			switch exit := (*exec.ExitError)(nil); {
			case errors.As(err, &exit):
				return unsigned("limactl has no valid signature", err.Error(), h)
			case err != nil:
				return Finding{Found: err.Error()}
			case !strings.Contains(out, vzEntitlement):
				return unsigned("limactl may not make VMs", path+" has not the entitlement "+vzEntitlement, h)
			}
			return ok("%s", vzEntitlement)
		},
	}
}

func unsigned(what, why string, h Host) Finding {
	return h.fixLima(failed(what, why, "install Lima again: "+h.lima().again), "reinstall")
}
