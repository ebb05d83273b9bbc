package checks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/process"
)

// Virtualization checks that macOS can run VMs here, which it does not on a Mac that is itself a VM, say.
func Virtualization(vmType string) Check { return virtualization(vmType, runtime.GOOS, run) }

// runner runs a program to its end and returns what it printed on standard output.
type runner func(ctx context.Context, name string, args ...string) (string, error)

func virtualization(vmType, goos string, run runner) Check {
	return Check{
		ID: "virtualization", Title: "virtualization",
		Probe: func(ctx context.Context) Finding {
			if goos != "darwin" {
				return failed(fmt.Sprintf("there are no VMs of the type %s here", vmType),
					"they exist on macOS only", "use QEMU: --vm-type "+limatype.QEMU)
			}
			out, err := run(ctx, "sysctl", "-n", "kern.hv_support")
			evidence := fmt.Sprintf("kern.hv_support is %q", strings.TrimSpace(out))
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				evidence = "the system has no kern.hv_support: " + err.Error() // a missing oid means no
			} else if err != nil {
				return Finding{Outcome: Unknown, Found: err.Error()}
			}
			if err == nil && strings.TrimSpace(out) == "1" {
				return ok("kern.hv_support is 1")
			}
			return failed("this Mac cannot run VMs", evidence,
				"use a Mac that is no VM itself, or switch on nested virtualization for it; `sysctl -n kern.hv_support` must print 1")
		},
	}
}

// run runs a program of this machine.
func run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := process.Command(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := process.Run(cmd)
	if text := strings.TrimSpace(stderr.String()); err != nil && text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return stdout.String(), err
}
