package provision

import (
	"fmt"
	"strings"
	"time"
)

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
