package provision

import (
	"fmt"
	"strings"
	"time"
)

// StepID names a kind of step. It is stable: scripts may compare it.
type StepID string

// The steps, in the order in which a plan holds them.
const (
	StepStop        StepID = "vm-stop"
	StepConfigure   StepID = "vm-configure"
	StepCreate      StepID = "vm-create"
	StepStart       StepID = "vm-start"
	StepClock       StepID = "clock"
	StepWritable    StepID = "writable"
	StepRoom        StepID = "room"
	StepEntry       StepID = "entry"
	StepPackages    StepID = "packages"
	StepGroup       StepID = "group"
	StepConnection  StepID = "connection"
	StepDirectories StepID = "directories"
	StepAgentBuild  StepID = "agent-build"
	StepAgent       StepID = "agent"
	StepPassengers  StepID = "passengers"
	StepUnits       StepID = "units"
	StepLinger      StepID = "linger"
	StepActivate    StepID = "activate"
	StepSettle      StepID = "vm-settle"
	StepMarker      StepID = "marker"

	// Replacing a VM comes before that, and after it.
	StepReplaceCreate StepID = "replace-create"
	StepReplaceStop   StepID = "replace-stop"
	StepReplaceAside  StepID = "replace-aside"
	StepReplacePlace  StepID = "replace-place"
	StepReplaceRemove StepID = "replace-remove"
	StepReplaceKeep   StepID = "replace-keep"

	// Undoing what failed, was cancelled or was killed.
	StepUndoAside  StepID = "undo-aside"
	StepUndoPlace  StepID = "undo-place"
	StepUndoStart  StepID = "undo-start"
	StepUndoProve  StepID = "undo-prove"
	StepUndoRemove StepID = "undo-remove"
	StepUndoMark   StepID = "undo-mark"
	StepUndoHollow StepID = "undo-hollow"
	StepUndoRename StepID = "undo-rename"

	// Bringing a kept VM back.
	StepRestoreStop   StepID = "restore-stop"
	StepRestoreAside  StepID = "restore-aside"
	StepRestorePlace  StepID = "restore-place"
	StepRestoreStart  StepID = "restore-start"
	StepRestoreProve  StepID = "restore-prove"
	StepRestoreRemove StepID = "restore-remove"
	StepRestoreKeep   StepID = "restore-keep"

	// Taking a world away.
	StepRemoveVM   StepID = "remove-vm"
	StepRemoveKept StepID = "remove-kept"
)

// Step is one change that a plan intends.
type Step struct {
	ID     StepID `json:"id"`
	Title  string `json:"title"`
	Reason string `json:"reason"` // the observed fact that calls for it
	// Usual is how long it usually takes on current hardware; ten times that under emulation.
	Usual time.Duration `json:"usual_ns"`
	// Rung is how deep it cuts into what exists; empty for a new VM.
	Rung Rung `json:"rung,omitempty"`
	// Interrupts says that programs running in the VM are stopped by it.
	Interrupts bool `json:"interrupts,omitempty"`
	// Conditional says that the step will be left out if the new VM turns out not to need it.
	Conditional bool `json:"conditional,omitempty"`
	// Destroys says that a VM and all that is in it are gone afterwards.
	Destroys bool `json:"destroys,omitempty"`

	operands []string // of StepPackages what to install, of StepUnits what to set aside, of StepDirectories what to open, of StepPassengers what to install
	force    bool     // of StepStop: the power is taken away
	rollback bool     // of StepActivate: the agent is new; the one before is put back if it does not answer
	last     bool     // of StepSettle: nothing is left to do afterwards but the marker
}

// Plan is what would make the observed state the wanted one. An empty plan means that there is nothing to change.
type Plan struct {
	VM    string `json:"vm"`
	Steps []Step `json:"steps"`
	// Unseen says that the inside of the VM could not be observed, because it does not run: more steps may follow.
	Unseen bool `json:"unseen,omitempty"`
	// Replace holds the reasons for another VM in the place of this one. Steps is empty then, unless somebody has consented
	// to it (Spec.Replace).
	Replace []string `json:"replace,omitempty"`
	// Blocked says what is missing on the host for the plan to be carried out. Steps is empty then.
	Blocked *Error `json:"blocked,omitempty"`
	// Existing is what there is now; nil when there is no VM.
	Existing *Existing `json:"existing,omitempty"`
}

// Existing is the VM that a plan is about, as Lima and its directory show it.
type Existing struct {
	Status    string    `json:"status"` // running, stopped, broken …, in lower case
	Type      string    `json:"type"`   // "qemu" or "vz"
	Arch      string    `json:"arch"`   // as Lima writes it: "x86_64", "aarch64"
	CPUs      int       `json:"cpus"`
	Memory    int64     `json:"memory"`              // bytes
	Disk      int64     `json:"disk"`                // bytes, as the guest sees it
	DiskUsed  int64     `json:"disk_used"`           // bytes that it takes on this machine
	Created   time.Time `json:"created"`             // zero when that is unknown
	Layout    string    `json:"layout,omitempty"`    // the marker in the guest; empty without one, or unseen
	Project   string    `json:"project,omitempty"`   // the directory that is mounted at /src
	Protected bool      `json:"protected,omitempty"` // by `limactl protect`: it is never done away with
	Kept      string    `json:"kept,omitempty"`      // the name of the old VM that is kept beside it
}

// Empty says that nothing is to be changed and nothing is in the way.
func (p Plan) Empty() bool { return len(p.Steps) == 0 && len(p.Replace) == 0 && p.Blocked == nil }

// complete says that nothing is left to do but to mark the layout as complete.
func (p Plan) complete() bool {
	return p.Empty() || len(p.Steps) == 1 && p.has(StepMarker)
}

// Interrupts says whether a step of the plan stops programs that run in the VM.
func (p Plan) Interrupts() bool {
	for _, step := range p.Steps {
		if step.Interrupts {
			return true
		}
	}
	return false
}

// Err is the error of a plan that cannot be carried out, of the kind of what is in its way; nil for every other plan.
func (p Plan) Err() error {
	if p.Blocked != nil {
		return p.Blocked
	}
	if len(p.Replace) == 0 || len(p.Steps) > 0 {
		return nil
	}
	return &Error{
		Kind: KindReplacement,
		What: fmt.Sprintf("the VM %s cannot become the world that was asked for; only another VM would do", p.VM),
		Why:  strings.Join(p.Replace, "\n"),
		Next: fmt.Sprintf("ask for what it is, use another name (--vm NAME), or consent to another VM in its place: %s (with --keep-old the old one is kept)", consentCommand("worldsetup", "--replace", p.VM)),
	}
}
