package main

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
)

// checks are prerequisites of a machine that has everything, or all but one thing.
func (w *demoWorld) checks(checks.Target) (list []checks.Check) {
	for i, fine := range []struct{ id, title, found string }{
		{"host-user", "ordinary user", "sam"},
		{"limactl", "Lima", "2.1.4 (simulated)"},
		{"ssh-client", "ssh client", "OpenSSH 9.6"},
		{"qemu", "QEMU", "8.2.2"},
		{"acceleration", "hardware acceleration", "/dev/kvm"},
		{"lima-home", "Lima's home", "48 GiB free"},
	} {
		check := checks.Check{ID: fine.id, Title: fine.title, Deadline: time.Hour, Probe: func(context.Context) checks.Finding {
			w.wait(time.Duration(i+1) * 500 * time.Millisecond)
			if fine.id == "qemu" && w.lacking {
				return lacking
			}
			return checks.Finding{Outcome: checks.OK, Found: fine.found}
		}}
		switch fine.id {
		case "qemu":
			check.RunFix = w.mend
		case "acceleration":
			check.Requires = []string{"qemu"}
		}
		list = append(list, check)
	}
	return list
}

// lacking is what the machine of the scenario prerequisites finds.
var lacking = checks.Finding{
	Outcome: checks.Failed, Found: "not installed",
	Problem: &checks.Problem{
		What: "QEMU is not installed", Why: `exec: "qemu-system-x86_64": executable file not found in $PATH`,
		Next: "install it: sudo apt-get install qemu-system-x86 qemu-utils ovmf",
	},
	Fix: &checks.FixInfo{Command: []string{"sudo", "apt-get", "install", "-y", "qemu-system-x86", "qemu-utils", "ovmf"}},
}

// mend plays the installation of what is lacking.
func (w *demoWorld) mend(_ context.Context, _ []string, line func(string)) error {
	for _, said := range []string{"SIMULATION: nothing is installed", "Reading package lists... Done", "Setting up qemu-utils ...", "Setting up qemu-system-x86 ..."} {
		line(said)
		w.wait(time.Second)
	}
	w.lacking = false
	return nil
}

// fix is what the wizard's key for it does, without sudo.
func (w *demoWorld) fix(ctx context.Context, id string, _ io.Reader, out io.Writer) error {
	list := w.checks(checks.Target{})
	i := slices.IndexFunc(list, func(c checks.Check) bool { return c.ID == id })
	return apply(ctx, list[i], newLines(out, false))
}
