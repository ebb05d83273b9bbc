package checks

import (
	"context"
	"fmt"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// virtualization checks that macOS can run VMs here, which it does not on a Mac that is itself a VM, say.
func virtualization(h Host, vmType string) Check {
	return Check{
		ID: "virtualization", Title: "virtualization",
		Probe: func(ctx context.Context) Finding {
			if h.OS != "darwin" {
				return failed(fmt.Sprintf("there are no VMs of the type %s here", vmType),
					"they exist on macOS only", "use QEMU: --vm-type "+limatype.QEMU)
			}
			value, known, err := h.sysctl(ctx, "kern.hv_support")
			evidence := fmt.Sprintf("kern.hv_support is %q", value)
			switch {
			case err != nil:
				return Finding{Found: err.Error()}
			case value == "1" && known:
				return ok("kern.hv_support is 1")
			case !known:
				evidence = "the system has no kern.hv_support: " + value // which means no
			}
			if inVM, err := h.isSet(ctx, "kern.hv_vmm_present"); err == nil && inVM {
				evidence += "; this Mac is itself a VM (kern.hv_vmm_present is 1)"
			}
			return failed("this Mac cannot run VMs", evidence,
				"use a Mac that is no VM itself, or switch on nested virtualization for it; `sysctl -n kern.hv_support` must print 1")
		},
	}
}
