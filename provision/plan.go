package provision

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// Plan is what would make the observed state the wanted one. An empty plan means that there is nothing to change.
type Plan struct {
	VM    string `json:"vm"`
	Steps []Step `json:"steps"`
	// Unseen says that the inside of the VM could not be observed, because it does not run: more steps may follow.
	Unseen bool `json:"unseen,omitempty"`
	// Replace holds the reasons for replacing the VM. Steps is empty then, unless there is consent
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

// complete says that nothing is left to do but to write the layout marker.
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
		What: fmt.Sprintf("VM %s can't be changed to match these settings; it must be replaced", p.VM),
		Why:  strings.Join(p.Replace, "\n"),
		Next: fmt.Sprintf("keep the current settings, choose another name (--vm NAME), or replace it: %s "+
			"(--keep-old keeps the old VM)", consentCommand("worldsetup", "--replace", p.VM)),
	}
}

// Disruption is how deep a step interferes, the least first. A step escalates only when less does not help.
type Disruption string

// The degrees of disruption, in order.
const (
	DisruptionLive Disruption = "live" // something is rewritten; whatever runs goes on
	DisruptionUnit Disruption = "unit" // the agent's socket and service are restarted
	// Lima's shared ssh connection is renewed; mounts and what runs over the old one stay
	DisruptionConnection Disruption = "connection"
	DisruptionRestart    Disruption = "vm-restart" // the VM is stopped in good order and started
	DisruptionForce      Disruption = "vm-force"   // the VM is stopped by force and started
	DisruptionReplace    Disruption = "replace"    // another VM
)

var disruptions = []Disruption{"", DisruptionLive, DisruptionUnit, DisruptionConnection, DisruptionRestart,
	DisruptionForce, DisruptionReplace}

// level returns its place in that order; 0 for none or an unknown one.
func (r Disruption) level() int {
	for level, disruption := range disruptions {
		if r == disruption {
			return level
		}
	}
	return 0
}

// Above says that r cuts deeper than other.
func (r Disruption) Above(other Disruption) bool { return r.level() > other.level() }

// Disruption returns the deepest disruption of the plan; empty for a plan that changes nothing, or makes a new VM.
func (p Plan) Disruption() (highest Disruption) {
	if len(p.Replace) > 0 {
		return DisruptionReplace
	}
	for _, step := range p.Steps {
		if step.Disruption.Above(highest) {
			highest = step.Disruption
		}
	}
	return highest
}

// plan plans for what was observed, and says what there is now.
func planFor(t target, s State) Plan {
	plan := makePlan(t, s)
	if plan.Existing = existing(s); plan.Existing != nil && s.Siblings.Kept() {
		plan.Existing.Kept = t.spec.VM + vmswap.Backup
	}
	return plan
}

// existing is what there is now; nil when there is no VM.
func existing(s State) *Existing {
	instance := s.Instance
	if instance == nil {
		return nil
	}
	e := &Existing{
		Status: strings.ToLower(instance.Status), Type: instance.VMType, Arch: instance.Arch, CPUs: instance.CPUs,
		Memory: instance.Memory, Disk: instance.Disk, DiskUsed: taken(instance.Dir), Created: created(instance.Dir),
		Protected: instance.Protected,
	}
	if s.Guest != nil {
		e.Layout = s.Guest.Marker
	}
	if instance.Config != nil {
		e.Project = shownProject(instance.Config)
	}
	return e
}

// shownProject is the directory that a VM shows at /src; empty for none.
func shownProject(config *limatype.LimaYAML) (project string) {
	for _, mount := range config.Mounts {
		if deref(mount.MountPoint) == guest.ProjectMount {
			project = mount.Location
		}
	}
	return project
}

// taken is how much room an instance takes on the host: disks are sparse, so that blocks count and not sizes.
func taken(dir string) (bytes int64) {
	const block = 512 // of stat(2), whatever the file system's are
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			bytes += stat.Blocks * block
		}
	}
	return bytes
}

// created is when an instance was made: Lima writes this file then, and never again. Zero when it is not there.
func created(dir string) time.Time {
	info, err := os.Lstat(filepath.Join(dir, filenames.LimaVersion))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// needsConsent is the error of a plan that does away with a VM, to which that needs consent.
func needsConsent(plan Plan, command, flag string) *Error {
	var why string
	for _, step := range plan.Steps {
		if step.Destroys {
			why = fmt.Sprintf("the step %q destroys a VM and all that is in it", step.Title)
		}
	}
	if why == "" {
		why = "programs that run in it would be stopped"
	}
	return &Error{
		Kind: KindReplacement, What: fmt.Sprintf("the VM %s would be deleted or replaced, and that needs consent",
			plan.VM), Why: why,
		Next: "if that is what you want: " + consentCommand("worldsetup "+command, flag, plan.VM),
	}
}

// consentCommand returns the command with the flag that consents to replacing or deleting the VM.
func consentCommand(command, flag, vm string) string {
	if vm != DefaultVM {
		command += " --vm " + shellescape.Quote(vm)
	}
	return command + " " + flag + "=" + shellescape.Quote(vm)
}
