package provision

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Plan holds the steps that make the observed world what the Spec asks for. An empty plan means that there is nothing
// to change.
type Plan struct {
	VM    string `json:"vm"`
	Steps []Step `json:"steps"`
	// Unseen reports that the inside of the VM could not be observed, because it does not run: more steps may follow.
	Unseen bool `json:"unseen,omitempty"`
	// Replace holds the reasons for replacing the VM. Steps is empty then, unless there is consent
	// to it (Spec.Replace).
	Replace []string `json:"replace,omitempty"`
	// Blocked is why the plan can't be carried out. Steps is empty then.
	Blocked *Error `json:"blocked,omitempty"`
	// Unrepaired is what is wrong, and for a person to change.
	Unrepaired []Unrepaired `json:"unrepaired,omitempty"`
	// Opens describes what the profile and the image of a new VM open on this machine, beyond what every world has.
	Opens []string `json:"opens,omitempty"`
	// HomeLeftOut reports that the user's home directory is not mounted in the world.
	HomeLeftOut bool `json:"home_left_out,omitempty"`
	// Units describes the units that the project brings; nil when they are worldsetup's own.
	Units *ProjectUnits `json:"units,omitempty"`
	// Existing is the present VM; nil when there is none.
	Existing *Existing `json:"existing,omitempty"`
	// Gets describes the world that the plan leads to; nil in the plan of a restoration or a removal.
	Gets *Gets `json:"gets,omitempty"`
	// Total is how long the run takes, with observing and verifying.
	Total time.Duration `json:"total_ns,omitempty"`
	// Decided is what the files that Lima reads for all VMs decide about this one.
	Decided []Decision `json:"decided,omitempty"`
	// keep is how the VM stays as it is, in place of a replacement; empty for what holds of all VMs.
	keep string
}

// Decision is a setting of a VM that is decided by override.yaml, base.yaml or default.yaml in Lima's directory
// _config.
type Decision struct {
	Key   string `json:"key"`             // as Lima calls it: "cpus", "mountType"
	Value string `json:"value,omitempty"` // empty for a list or a mapping
	Where string `json:"where"`           // the file and the line
}

// Unrepaired is something wrong that no run changes, with what to do about it.
type Unrepaired struct {
	Item string `json:"item"` // the id of its line of the report
	Why  string `json:"why"`
	Next string `json:"next"`
}

// Gets describes the world that a plan leads to: what a person gets. It is for display; the plan's steps decide.
type Gets struct {
	Project string `json:"project"` // the directory that is mounted writable at /src, or copied into the guest
	// Staged is where the guest has the copy of the project; empty where it is mounted.
	Staged string `json:"staged,omitempty"`
	// Worktree is the linked worktree of git in which the run was called, if Project is its primary checkout.
	Worktree string `json:"worktree,omitempty"`
	// Home is the directory that is mounted read-only, at its own path; empty when it is left out.
	Home   string `json:"home,omitempty"`
	CPUs   int    `json:"cpus"`
	Memory int64  `json:"memory"`  // bytes
	Disk   int64  `json:"disk"`    // bytes
	Type   string `json:"vm_type"` // "qemu" or "vz"
	Arch   string `json:"arch"`    // as Lima writes it: "x86_64", "aarch64"
	// Image is where the image of a new VM comes from, and Download reports that it has to be downloaded.
	Image    string `json:"image,omitempty"`
	Download bool   `json:"download,omitempty"`
	// DownloadSize is how much that is, in bytes, and DownloadTime how long it will take; 0 when that is unknown.
	DownloadSize int64         `json:"download_size,omitempty"`
	DownloadTime time.Duration `json:"download_ns,omitempty"`
	// Agent is where the agent comes from, in words: a file, relative to the project if it is in it. Probe reports that
	// it is the built-in one, which runs no commands.
	Agent string `json:"agent"`
	Probe bool   `json:"probe,omitempty"`
	// Layout is the generation of the contract that the world keeps.
	Layout string `json:"layout"`
	// Changed are the names of the fields above that differ from what the VM has, or, of a new VM, from the defaults.
	Changed []string `json:"changed,omitempty"`
}

// mark adds a field to those that are changed.
func (g *Gets) mark(field string, changed bool) {
	if changed {
		g.Changed = append(g.Changed, field)
	}
}

var ubuntuImage = lazyregexp.New(`^ubuntu-([0-9.]+)-.*-(amd64|arm64)\.`)

// ImageTitle is the guest image as a person would call it; empty when no image is needed.
func (g *Gets) ImageTitle() string {
	name := path.Base(g.Image)
	if parts := ubuntuImage.FindStringSubmatch(name); parts != nil {
		return "Ubuntu " + parts[1] + " " + parts[2]
	}
	if g.Image == "" {
		return ""
	}
	return name
}

// ProjectUnits describe the units that the project brings.
type ProjectUnits struct {
	Project string   `json:"project"`
	Files   []string `json:"files"`  // the templates, absolute
	Digest  string   `json:"digest"` // of both, as "sha256:…"
	// Empty are the variables of the templates that are left empty, as NAME (FILE:LINE).
	Empty []string `json:"empty,omitempty"`
	// Warnings are what worldsetup's own units have in another way, with the consequences.
	Warnings []string `json:"warnings,omitempty"`
	// Fault is why they can't be used; nil when they can.
	Fault *Error `json:"fault,omitempty"`
}

// Existing is the VM that a plan is about, as Lima and its directory show it.
type Existing struct {
	Status   string    `json:"status"` // running, stopped, broken …, in lower case
	Type     string    `json:"type"`   // "qemu" or "vz"
	Arch     string    `json:"arch"`   // as Lima writes it: "x86_64", "aarch64"
	CPUs     int       `json:"cpus"`
	Memory   int64     `json:"memory"`           // bytes
	Disk     int64     `json:"disk"`             // bytes, as the guest sees it
	DiskUsed int64     `json:"disk_used"`        // bytes that it takes on this machine
	Created  time.Time `json:"created"`          // zero when that is unknown
	Layout   string    `json:"layout,omitempty"` // the marker in the guest; empty without one, or unseen
	// LastSeen is how the inside was when a run last verified it; nil when it is seen now, or that isn't known.
	LastSeen  *LastSeen `json:"last_seen,omitempty"`
	Project   string    `json:"project,omitempty"`   // the directory that is mounted at /src, or staged
	Workdir   string    `json:"-"`                   // where the project is in the guest
	Owner     Ownership `json:"owner"`               // whether it is a world, and what shows it
	Protected bool      `json:"protected,omitempty"` // by `limactl protect`
	// ProtectedBy is who called it: worldsetup, whose own steps lift the protection, or others.
	ProtectedBy string `json:"protected_by,omitempty"`
	Kept        string `json:"kept,omitempty"` // the name of the old VM that is kept beside it
}

// LastSeen is how the inside of a VM was when a run last verified it.
type LastSeen struct {
	Layout string    `json:"layout"` // the name of the generation
	Time   time.Time `json:"time"`
}

func (l LastSeen) String() string {
	return fmt.Sprintf("%s when last seen, %s", l.Layout, l.Time.UTC().Format("2006-01-02 15:04 UTC"))
}

// Ownership is whether a VM is a world of worldsetup's, and what shows it. A VM without any sign is foreign: it is
// observed, but not stopped, edited, moved or deleted without [Spec].Adopt.
type Ownership struct {
	Ours  bool     `json:"ours"`
	Signs []string `json:"signs"` // for a person to read
	// MadeBy is the tool of the system that made the VM, or that it belongs to, as far as that shows; the VM is foreign.
	MadeBy string `json:"made_by,omitempty"`
}

func (o Ownership) String() string {
	switch {
	case o.MadeBy == layout.ToolBroker:
		return "it belongs to " + o.MadeBy + ": " + strings.Join(o.Signs, "; ")
	case o.MadeBy != "":
		return "made by " + o.MadeBy + ", and not adopted: " + strings.Join(o.Signs, "; ")
	case !o.Ours && len(o.Signs) > 0:
		return "only its lima.yaml speaks of a world: " + strings.Join(o.Signs, "; ")
	case !o.Ours:
		return "nothing shows that it is a world"
	}
	return "a world: " + strings.Join(o.Signs, "; ")
}

// The protectors of a VM.
const (
	protectedByWorldsetup = "worldsetup"
	protectedByOthers     = "others"
)

// ProtectedByOthers reports whether others than worldsetup protected the VM.
func (e Existing) ProtectedByOthers() bool { return e.ProtectedBy == protectedByOthers }

// Empty reports whether there is nothing to change and nothing in the way.
func (p Plan) Empty() bool { return len(p.Steps) == 0 && len(p.Replace) == 0 && p.Blocked == nil }

// settled reports whether there is nothing to change without which the world would not be ready.
func (p Plan) settled() bool {
	return len(p.Replace) == 0 && p.Blocked == nil &&
		!slices.ContainsFunc(p.Steps, func(s Step) bool { return !s.later })
}

// complete reports whether only the layout marker is left to write.
func (p Plan) complete() bool {
	return p.Empty() || len(p.Steps) == 1 && p.has(StepMarker)
}

// Interrupts reports whether a step of the plan stops programs that run in the VM.
func (p Plan) Interrupts() bool {
	for _, step := range p.Steps {
		if step.Interrupts {
			return true
		}
	}
	return false
}

// Err returns the error of a plan that cannot be carried out, whose kind depends on what is in the way; nil for every
// other plan.
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
		Next: fmt.Sprintf("%s, choose another name (--vm NAME), or replace it: %s "+
			"(--keep-old keeps the old VM)", cmp.Or(p.keep, "keep the current settings"),
			consentCommand("worldsetup", "--replace", p.VM)),
	}
}

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

// disturbs is like Disruption, and empty as well for a VM that is stopped, in which nothing runs.
func (p Plan) disturbs() Disruption {
	if p.Existing == nil || p.Existing.Status == strings.ToLower(limatype.StatusStopped) {
		return ""
	}
	return p.Disruption()
}

// Destroys reports whether the plan deletes something that nothing can restore.
func (p Plan) Destroys() bool { return len(p.Replace) > 0 || p.deletesVM() }

func (p Plan) deletesVM() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Destroys })
}

// Losses describes what a run deletes when it applies the plan, and what it keeps.
func (p Plan) Losses() (deleted, kept string) {
	deleted, kept = p.Existing.onlyInVM(), p.Existing.onHost()
	switch {
	case len(p.Replace) > 0 && !p.deletesVM():
		deleted = "nothing: the old VM is kept, stopped and under another name, for `worldsetup restore`"
	case len(p.Replace) > 0:
		kept += ". The old VM is kept until the new one answers, and restored if it never does"
	}
	return deleted, kept
}

// RestoreLosses describes the same for a plan of [Setup.PlanRestore].
func (p Plan) RestoreLosses() (deleted, kept string) {
	kept = "the VM that was kept, with everything in it; "
	switch {
	case p.has(StepRestoreRemove):
		deleted = "of the current VM, " + p.Existing.onlyInVM()
	case p.has(StepRestoreKeep):
		deleted = "nothing"
		kept += "the current VM, stopped and under another name, for `worldsetup restore`; "
	case p.deletesVM():
		return "leftovers of an interrupted run", kept + p.Existing.onHost()
	default:
		return "nothing", kept + p.Existing.onHost()
	}
	return deleted, kept + p.Existing.onHost() + ". The current VM is restored if the other one does not answer"
}

// RemoveLosses describes the same for a plan of [Setup.PlanRemove].
func (p Plan) RemoveLosses() (deleted, kept string) {
	if p.has(StepRemoveVM) {
		deleted = p.Existing.onlyInVM() + "; "
	}
	if p.has(StepRemoveKept) {
		name := ""
		if p.Existing != nil && p.Existing.Kept != "" {
			name = p.Existing.Kept + " "
		}
		deleted += "the kept VM " + name + "with everything in it; "
	}
	if p.has(StepRollbackRemove) {
		deleted += "leftovers of an interrupted run; "
	}
	return deleted + "the log of the last run", p.Existing.onHost() + "; Lima's downloads"
}

// onlyInVM describes the data that exists only in the VM.
func (e *Existing) onlyInVM() string {
	lost := "the disk of the VM"
	if e != nil && e.DiskUsed > 0 {
		lost += ", " + plaintext.Bytes(e.DiskUsed) + " used"
	}
	return lost + "; programs, containers and files that are only there"
}

// onHost describes the data in the VM that is on the host.
func (e *Existing) onHost() string {
	kept := "the project"
	if e != nil && e.Project != "" {
		kept += " " + e.Project
	}
	return kept + " and your home directory, which are on this machine"
}

// OnlyReplacement reports whether only another VM would do, and the plan has no steps for that, since consent is
// missing.
func (p Plan) OnlyReplacement() bool {
	return len(p.Replace) > 0 && len(p.Steps) == 0 && p.Blocked == nil
}

// Creates reports whether the plan creates a VM.
func (p Plan) Creates() bool { return p.has(StepCreate) }

// RestoresBackup reports whether there is no VM, but a backup that a run renames back first.
func (p Plan) RestoresBackup() bool { return p.Existing == nil && p.has(StepRollbackPlace) }

// Repairs reports whether there is a world already.
func (p Plan) Repairs() bool { return p.Existing != nil && p.Existing.Layout != "" }

// Usual is how long the run usually takes: the steps, and observing and verifying if that is known.
func (p Plan) Usual() (usual time.Duration) {
	if p.Total > 0 {
		return p.Total
	}
	for _, step := range p.Steps {
		usual += step.Usual
	}
	return usual
}

func (p *Plan) has(id StepID) bool { return p.at(id) >= 0 }

// at returns the place of a step; -1 without it.
func (p *Plan) at(id StepID) int {
	return slices.IndexFunc(p.Steps, func(s Step) bool { return s.ID == id })
}

// nonEmpty returns text as the only element, or nothing if it is empty.
func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// prefixed returns words, each with prefix before it.
func prefixed(prefix string, words []string) (prefixed []string) {
	for _, word := range words {
		prefixed = append(prefixed, prefix+word)
	}
	return prefixed
}
