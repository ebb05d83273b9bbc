package checks

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// guestAgent checks that Lima's own helper for the guest lies where limactl looks for it: a limactl that was copied
// alone, or one for another processor, lacks it.
func guestAgent(h Host, arch limatype.Arch) Check {
	return Check{
		ID: "lima-guest-agent", Title: "Lima's guest agent", Requires: []string{"limactl"},
		Probe: func(context.Context) Finding {
			path, err := h.Find("limactl")
			if err != nil {
				return Finding{Found: err.Error()}
			}
			if real, err := h.Real(path); err == nil {
				path = real
			}
			base := filepath.Join(filepath.Dir(filepath.Dir(path)), "share/lima/lima-guestagent.Linux-"+arch)
			for _, name := range []string{base + ".gz", base} {
				if _, err := h.Stat(name); err == nil {
					return ok("%s", name)
				}
			}
			next := "install the whole of Lima: " + h.lima().again
			if arch != limatype.NewArch(h.Arch) {
				next = "install it: " + strings.ReplaceAll(h.lima().first, "install lima", "install lima-additional-guestagents")
			}
			return warning("not beside limactl").because("Lima's guest agent is missing", "there is no "+base+".gz; without it, no VM starts", next)
		},
	}
}
