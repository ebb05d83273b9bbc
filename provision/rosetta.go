package provision

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/profile"
	"github.com/atomize-hq/worldsetup/provision/lima"
)

// This file has Rosetta, by which a VM on Apple silicon runs programs for x86_64.
//
// The rules are: a VM gets it where this Mac has it, and the plan says which. It is never installed by starting a VM:
// that opens a dialog, which waits for ever where no one sees it (lima#1202). A VM that was made with it does not boot
// without: Lima has the guest mount it at each boot, and the mount is required (pkg/cidata, user-data). So it is taken
// out of one that runs, and one that is stopped is not started. That Lima could not give a VM what this Mac has counts
// as lacking it.

// onAppleSilicon reports whether the VM is one that Rosetta is for.
func (t target) onAppleSilicon() bool { return t.vmType == limatype.VZ && t.arch == limatype.AARCH64 }

// rosettaReason says in the plan of a new VM whether it has Rosetta; empty where there is no question.
func (t target) rosettaReason() string {
	switch {
	case !t.onAppleSilicon():
		return ""
	case t.rosetta:
		return "; with Rosetta, so that it runs programs for x86_64 as well"
	}
	return "; without Rosetta, which this Mac lacks: programs for x86_64 won't run in it"
}

// rosettaLost reports whether an instance is to have Rosetta, and this Mac lacks it.
func (t target) rosettaLost(instance *limatype.Instance) bool {
	return t.onAppleSilicon() && !t.rosetta && lima.RosettaOn(profile.ConfigText(instance))
}

// planRosetta plans to take it out of a running guest, before anything restarts that.
func planRosetta(p *Plan, _ target, s State) {
	if reasons := rosettaReasons(s); len(reasons) > 0 {
		step := newStep(StepRosetta, reasons...)
		step.first = true
		p.insert(step)
	}
}

// rosettaReasons returns what is wrong with the VM's configuration.
func rosettaReasons(s State) []string {
	if !s.RosettaLost {
		return nil
	}
	return []string{"it has Rosetta on, and this Mac lacks it: the next boot would end in emergency mode"}
}

// removeRosetta takes it out of the guest, and then out of the VM's configuration.
func removeRosetta(r *run, ctx context.Context, at State, _ Step, _ func(string)) error {
	if err := r.session(at).change(ctx, guest.RemoveRosetta{}); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(at.Instance.Dir, filenames.LimaYAML))
	if err == nil {
		text, err = lima.RemoveRosetta(text)
	}
	if err != nil {
		return err
	}
	return lima.WriteConfig(at.Instance.Dir, text)
}

// needsRosetta returns the error of a VM that would not boot; nil when it would, or when it runs.
func needsRosetta(s State) *Error {
	if !s.RosettaLost || s.Guest != nil || s.Booting {
		return nil
	}
	return &Error{
		Kind: KindPrerequisite,
		What: fmt.Sprintf("the VM %s was made with Rosetta, and does not boot on a Mac that lacks it", s.Instance.Name),
		Why: "its lima.yaml has rosetta enabled, so that the guest requires Rosetta's mount at each boot, and there is no " +
			checks.RosettaFile,
		Next: "install it: softwareupdate --install-rosetta --agree-to-license; then run worldsetup again; " +
			lastResort(s.Instance.Name),
	}
}
