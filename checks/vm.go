package checks

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// VM is the instance as Lima knows it when the checks are made.
type VM struct {
	Name     string
	Instance *limatype.Instance // nil when there is none of that name
	Trouble  *Problem           // why Lima could not say; nil otherwise
}

// vmState says what there is of the VM. Nothing here fails: what is wrong with a VM is for the run to cure or to refuse.
func vmState(h Host, vm VM) Check {
	return Check{
		ID: "vm", Title: "VM", Requires: []string{"limactl"},
		Probe: func(context.Context) Finding {
			quoted := shellescape.Quote(vm.Name)
			switch {
			case vm.Trouble != nil:
				return warning("unknown").because(vm.Trouble.What, vm.Trouble.Why, vm.Trouble.Next)
			case vm.Instance == nil:
				return ok("none called %s", vm.Name)
			case vm.Instance.Status == limatype.StatusBroken || len(vm.Instance.Errors) > 0:
				return warning("%s", strings.ToLower(vm.Instance.Status)).because("Lima calls the VM broken", text(vm.Instance.Errors),
					fmt.Sprintf("clear what is left of it: limactl stop --force %s; then run worldsetup again", quoted))
			case !hasDisk(h, vm.Instance.Dir):
				return warning("half-made").because("the VM was never completed", vm.Instance.Dir+" has no disk: its creation was interrupted",
					fmt.Sprintf("run worldsetup, which carries on; or begin anew: limactl delete --force %s", quoted))
			}
			return ok("%s", strings.ToLower(vm.Instance.Status))
		},
	}
}

func text(errs []error) string { return fmt.Sprint(errors.Join(errs...)) }

// hasDisk says whether an instance ever got as far as having a disk, under its name in Lima 2 or in Lima 1.
func hasDisk(h Host, dir string) bool {
	for _, name := range []string{filenames.Disk, filenames.DiffDiskLegacy} {
		if _, err := h.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// vmOwner checks that the VM is a world, or was at least made to be one: somebody else's would be changed.
func vmOwner(vm VM) Check {
	return Check{
		ID: "vm-owner", Title: "the VM's maker",
		Probe: func(context.Context) Finding {
			if vm.Instance.Config == nil {
				return Finding{Found: "its configuration cannot be read"}
			}
			for _, forward := range vm.Instance.Config.PortForwards {
				if forward.GuestSocket == lima.GuestSocket {
					return ok("a world")
				}
			}
			return warning("somebody else").because(fmt.Sprintf("the VM %s was not made to be a world", vm.Name), "it forwards no "+lima.GuestSocket,
				"use another name: --vm world; or go on, and worldsetup turns it into one")
		},
	}
}

// vmProtected says that a VM may not be deleted, and so not replaced.
func vmProtected(vm VM) Check {
	return Check{
		ID: "vm-protected", Title: "protection of the VM",
		Probe: func(context.Context) Finding {
			if !vm.Instance.Protected {
				return ok("none")
			}
			return Finding{Outcome: Info, Found: "protected: to have it replaced, first limactl unprotect " + shellescape.Quote(vm.Name)}
		},
	}
}
