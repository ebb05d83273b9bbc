package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/finding"
)

// The ids of the check that limactl works, and of the one that shows the VM: it fails when Lima can't list its VMs.
const (
	LimactlWorks = "limactl"
	VMState      = "vm"
)

// VM is the instance as Lima knows it when the checks are made.
type VM struct {
	Name     string
	Instance *limatype.Instance // nil when there is none of that name
	Trouble  *finding.Error     // why Lima could not list it; nil otherwise
	// Signs are what in its directory shows that it is a world. ProtectedByUs reports that worldsetup protected it.
	Signs         []string
	ProtectedByUs bool
}

// state reports the state of the VM. What is wrong with one that Lima lists is for the run to repair or to refuse.
func (vm VM) state(h Host) Probe {
	return func(context.Context) Result {
		name := shellescape.Quote(vm.Name)
		switch {
		case vm.Trouble != nil:
			return failed(vm.Trouble.What, vm.Trouble.Why, vm.Trouble.Next)
		case vm.Instance == nil:
			return ok("none called %s", vm.Name)
		}
		status := strings.ToLower(vm.Instance.Status)
		switch {
		case vm.Instance.Status == limatype.StatusBroken || len(vm.Instance.Errors) > 0:
			why := "Lima calls the VM broken"
			if err := errors.Join(vm.Instance.Errors...); err != nil {
				why += ": " + err.Error()
			}
			return warning("%s", status).because(why,
				"run worldsetup, which stops what is left of it; `limactl stop --force` may kill processes of other programs")
		case !hasDisk(h, vm.Instance.Dir):
			return warning("incomplete").because(
				"the VM is incomplete: "+vm.Instance.Dir+" has no disk, since its creation was interrupted",
				fmt.Sprintf("run worldsetup, which completes it; or delete it first: limactl delete --force %s", name))
		}
		return ok("%s", status)
	}
}

// hasDisk reports whether an instance has a disk, under its name in Lima 2 or in Lima 1.
func hasDisk(h Host, dir string) bool {
	_, err := h.Stat(filepath.Join(dir, filenames.Disk))
	_, legacyErr := h.Stat(filepath.Join(dir, filenames.DiffDiskLegacy))
	return err == nil || legacyErr == nil
}

// owner checks that the VM is a world, or was at least created to be one. A run refuses a foreign VM.
func (vm VM) owner(context.Context) Result {
	if len(vm.Signs) > 0 {
		return ok("a world: %s", strings.Join(vm.Signs, "; "))
	}
	return warning("not worldsetup").because(
		fmt.Sprintf("nothing in the directory of the VM %s shows that it is a world", vm.Name),
		fmt.Sprintf("use another name: --vm world; or consent to making a world of it: --adopt=%s",
			shellescape.Quote(vm.Name)))
}

// protection reports whether the VM is protected from being deleted, and so from being replaced.
func (vm VM) protection(context.Context) Result {
	if !vm.Instance.Protected {
		return ok("none")
	}
	if vm.ProtectedByUs {
		return ok("by worldsetup")
	}
	return info("by another tool or a person: before it can be replaced or removed, run limactl unprotect %s",
		shellescape.Quote(vm.Name))
}

// Traces are the files that runs on one VM leave.
type Traces struct {
	Lock string // held while a run works, with "process N, since TIME" in it; stays afterwards
	Log  string // of the last run, an event a line; the log of the one before ends in .old
}

// holder returns the process that took the lock last, its line in the lock, and whether it is alive. Trying the lock
// would take it for a moment, in which another run would be refused.
func (t Traces) holder(h Host) (pid int, line string, alive bool) {
	content, _ := h.Read(t.Lock)
	line = strings.TrimSpace(string(content))
	if _, err := fmt.Sscanf(line, "process %d", &pid); err != nil || pid <= 0 {
		return 0, line, false
	}
	return pid, line, h.Alive(pid)
}

// otherRun checks whether another run works on the VM.
func (t Traces) otherRun(h Host) Probe {
	return func(context.Context) Result {
		pid, line, alive := t.holder(h)
		if !alive || pid == os.Getpid() {
			return ok("none")
		}
		return warning("process %d", pid).because(
			"another run of worldsetup may be working on this VM: "+line+", took its lock last, and is alive",
			fmt.Sprintf("wait until it ends; to see what it is: ps -p %d", pid))
	}
}

// lastRun reports whether the last run finished. What it left behind is observed, and never read from its log.
func (t Traces) lastRun(h Host) Probe {
	return func(context.Context) Result {
		log := t.Log
		pid, _, alive := t.holder(h)
		switch {
		case alive && pid == os.Getpid():
			log += ".old" // the other one is this run's own
		case alive:
			return info("may still be running")
		}
		end, err := h.End(log)
		switch {
		case err != nil:
			return ok("none")
		case finished(end):
			return ok("finished")
		}
		return info("was interrupted; the next run continues from what it finds")
	}
}

// finished reports whether the end of a log has the last event of a run as its last line.
func finished(end []byte) bool {
	end = bytes.TrimSpace(end)
	var event struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(end[bytes.LastIndexByte(end, '\n')+1:], &event) == nil && event.Type == "finished"
}
