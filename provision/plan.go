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
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/hostsocket"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/staging"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
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

// StepID names a kind of step. It is stable: scripts may compare it.
type StepID string

// The steps.
const (
	StepReplaceCreate StepID = "replace-create"
	StepReplaceStop   StepID = "replace-stop"
	StepReplaceBackup StepID = "replace-backup"
	StepReplacePlace  StepID = "replace-place"

	StepAdopt       StepID = "adopt"
	StepProtect     StepID = "vm-protect"
	StepCreate      StepID = "vm-create"
	StepClock       StepID = "clock"
	StepWritable    StepID = "writable"
	StepFreeSpace   StepID = "free-disk-space"
	StepSSHAccess   StepID = "ssh-access"
	StepRosetta     StepID = "rosetta"
	StepHostSocket  StepID = "host-socket"
	StepGroup       StepID = "group"
	StepConnection  StepID = "connection"
	StepStop        StepID = "vm-stop"
	StepConfigure   StepID = "vm-configure"
	StepStart       StepID = "vm-start"
	StepDirectories StepID = "directories"
	StepStage       StepID = "stage"
	StepCompanions  StepID = "companions"
	StepUnits       StepID = "units"
	StepLinger      StepID = "linger"
	StepWaitForBoot StepID = "vm-boot-wait"
	StepAgentBuild  StepID = "agent-build"
	// StepCompanionBuild comes last, since the agent does not need it.
	StepCompanionBuild StepID = "companion-build"
	StepAgent          StepID = "agent"
	// StepPackages comes after all that can be done while the VM boots: for packages its end has to be waited for.
	StepPackages StepID = "packages"
	StepActivate StepID = "activate"
	StepRetire   StepID = "retire"
	StepMarker   StepID = "marker"

	StepReplaceRemove StepID = "replace-remove"
	StepReplaceKeep   StepID = "replace-keep"

	// Rolling back what failed, was cancelled or was killed.
	StepRollbackDisplace StepID = vmswap.RollbackDisplace
	StepRollbackPlace    StepID = vmswap.RollbackPlace
	StepRollbackStart    StepID = "rollback-start"
	StepRollbackVerify   StepID = "rollback-verify"
	StepRollbackRemove   StepID = vmswap.RollbackRemove
	StepRollbackMark     StepID = vmswap.RollbackMark
	StepRollbackEmpty    StepID = vmswap.RollbackEmpty

	// Restoring a kept VM.
	StepRestoreStop     StepID = "restore-stop"
	StepRestoreDisplace StepID = "restore-displace"
	StepRestorePlace    StepID = "restore-place"
	StepRestoreStart    StepID = "restore-start"
	StepRestoreVerify   StepID = "restore-verify"
	StepRestoreRemove   StepID = "restore-remove"
	StepRestoreKeep     StepID = "restore-keep"

	// Removing a world.
	StepRemoveVM   StepID = "remove-vm"
	StepRemoveKept StepID = "remove-kept"
)

// Step is one change that a plan intends.
type Step struct {
	ID     StepID `json:"id"`
	Title  string `json:"title"`
	Reason string `json:"reason"` // the observed fact that calls for it
	// Number is its place in the list of a run, which starts with the plan that was agreed to, and never changes; 0 in
	// the drift of a [Health].
	Number int `json:"number,omitempty"`
	// Added reports that it was not in the plan that was agreed to.
	Added bool `json:"added,omitempty"`
	// Usual is how long it takes: on this machine, as far as that was recorded.
	Usual time.Duration `json:"usual_ns"`
	// Disruption is what it interrupts in an existing VM; empty for a new one.
	Disruption Disruption `json:"disruption,omitempty"`
	// Interrupts reports that programs running in the VM are stopped by it.
	Interrupts bool `json:"interrupts,omitempty"`
	// Conditional reports that the step will be left out if the new VM turns out not to need it.
	Conditional bool `json:"conditional,omitempty"`
	// Destroys reports that a VM and all that is in it are gone afterwards.
	Destroys bool `json:"destroys,omitempty"`

	// first is set when the step has to come before a restart of the VM.
	first bool
	// operands limit the step to some packages, paths or names of programs.
	operands []string
	force    bool // of StepStop: the VM is stopped by force
	rollback bool // of StepActivate: the agent is new; the one before is restored if it does not answer
	listens  bool // of StepActivate: the socket is as it has to be, and stays
	later    bool // of StepStage: it can wait, and the world is ready without it
	last     bool // of StepWaitForBoot: nothing is left to do afterwards but the marker
}

// builds reports whether the step builds something in the guest, from what is mounted there.
func (s Step) builds() bool { return s.ID == StepAgentBuild || s.ID == StepCompanionBuild }

// newStep makes a step with its reasons.
func newStep(id StepID, reasons ...string) Step {
	k := kindOf(id)
	return Step{
		ID: id, Title: k.title, Usual: k.usual, Disruption: k.disruption,
		Interrupts: k.interrupts, Destroys: k.destroys,
		Reason: strings.Join(reasons, "; "),
	}
}

// Title is what the step does, in words.
func (id StepID) Title() string { return kindOf(id).title }

// RollsBack reports whether the step reverts a swap of VMs that failed or was interrupted.
func (id StepID) RollsBack() bool {
	switch id {
	case StepRollbackDisplace, StepRollbackPlace, StepRollbackStart, StepRollbackVerify,
		StepRollbackRemove, StepRollbackMark, StepRollbackEmpty:
		return true
	}
	return false
}

// Disruption is what a step interrupts. A run escalates to a higher level only when a lower one did not help.
type Disruption string

// The levels of disruption, the least first.
const (
	DisruptionLive Disruption = "live" // running programs continue
	DisruptionUnit Disruption = "unit" // the agent's socket and service are restarted
	// Lima's shared ssh connection is renewed; mounts and programs that use the old one continue
	DisruptionConnection Disruption = "connection"
	DisruptionRestart    Disruption = "vm-restart" // the VM is shut down and started
	DisruptionForce      Disruption = "vm-force"   // the VM is powered off and started
	DisruptionReplace    Disruption = "replace"    // another VM
)

// levels are the disruptions in that order, with the words for those that can be allowed, and what a step of each does.
var levels = []struct {
	Disruption
	word, effect string
}{
	{"", "", ""},
	{DisruptionLive, "live", "interrupts nothing"},
	{DisruptionUnit, "unit", "restarts the agent"},
	{DisruptionConnection, "connection", "renews Lima's ssh connection"},
	{DisruptionRestart, "restart", "restarts the VM"},
	{DisruptionForce, "force", "powers the VM off"},
	{DisruptionReplace, "", "replaces the VM"},
}

// level returns its place in that order; 0 for none or an unknown one.
func (r Disruption) level() int {
	for i, level := range levels {
		if r == level.Disruption {
			return i
		}
	}
	return 0
}

// Above reports whether r interrupts more than other.
func (r Disruption) Above(other Disruption) bool { return r.level() > other.level() }

// ParseDisruption returns the disruption that a word stands for: live, unit, connection, restart or force.
func ParseDisruption(word string) (Disruption, error) {
	for _, level := range levels {
		if level.word == word && word != "" {
			return level.Disruption, nil
		}
	}
	return "", usage("give live, unit, connection, restart or force", "unknown level of disruption %q", word)
}

// Word returns the word for a disruption that [ParseDisruption] reads; empty for others.
func (r Disruption) Word() string { return levels[r.level()].word }

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

// The protectors of a VM.
const (
	protectedByWorldsetup = "worldsetup"
	protectedByOthers     = "others"
)

// ProtectedByOthers reports whether others than worldsetup protected the VM.
func (e Existing) ProtectedByOthers() bool { return e.ProtectedBy == protectedByOthers }

// State is the observed state of a world. Every run observes it again; it is never stored.
type State struct {
	// Instance is the VM as Lima knows it; nil when there is none of that name.
	Instance *limatype.Instance
	// HalfCreated reports that an interrupted run has left the VM with an image or disk that may be incomplete, and
	// that it was never started. Without both, Lima completes it at its start.
	HalfCreated bool
	// PIDFiles are the files in the VM's directory that name a living process, its own or another.
	PIDFiles []lima.PIDFile
	// Frozen names the VM's processes that were stopped, of one that Lima calls broken; empty for none.
	Frozen string
	// Swap holds the VMs beside it: kept, or left by a run that was killed.
	Swap vmswap.State
	// Signs are what in the VM's directory shows that it is a world; the guest may show it as well.
	Signs []string
	// Warm and Broker are what in the VM's lima.yaml shows that another tool made the VM, or that it belongs to one.
	Warm, Broker []string
	// ProtectedBy is who called `limactl protect` for it, for a person to read; empty when no one did.
	ProtectedBy string
	// Unprotected reports that an interrupted run made the VM, and did not protect it.
	Unprotected bool
	// Guest is the observation of the guest; nil when the VM is not running or could not be entered.
	Guest *guest.Observation
	// GuestError is why a running VM could not be entered; nil otherwise.
	GuestError error
	// SharedDead reports that Lima's shared ssh connection did not work and a fresh one did.
	SharedDead bool
	// Booting reports that the guest is reachable already while Lima is still starting the VM: mounts and forwarded
	// sockets are not there yet, and packages may be at work.
	Booting bool
	// Unanswered is why root in the guest got no answer from the agent; empty when it got one, or there was no
	// connection. Only connecting shows a listener that systemd has lost, or an agent that hangs.
	Unanswered string
	// Misanswered reports that root got an answer, and Unanswered is what is wrong with it: it is no world agent's.
	Misanswered bool
	// Locked is why ssh refuses new connections while Lima's shared one works; empty when it accepts them, or none was
	// tried.
	Locked string
	// LockedCause is the cause as far as ssh shows it.
	LockedCause guest.ConnectionCause
	// EndsEarly reports that sessions over them end before our script runs, and no run repairs that.
	EndsEarly bool
	// SSHSetting is the setting of the guest's sshd that forbids what a world needs; zero for none.
	SSHSetting guest.SSHDSetting
	// Degraded is what Lima's host agent could not do at the VM's present boot; empty for nothing.
	Degraded string
	// DiskMissing reports that the VM was started before, and its disk image is not there.
	DiskMissing bool
	// Tried holds the steps that this run has done; Unheld describes one that had no lasting effect.
	Tried  map[StepID]bool
	Unheld string
	// HostSocket reports whether the host's end of the forwarded socket is the user's and accepts connections.
	HostSocket bool
	// HostSocketOwner says that it belongs to another user; empty when it doesn't.
	HostSocketOwner string
	// SudoDenied is the file and line by which Lima gives the user no right to sudo without a password; empty for none.
	SudoDenied string
	// Openings are how other users of this machine reach it.
	Openings []hostsocket.Opening
	// OpenKey is why ssh doesn't use Lima's key; nil when it does.
	OpenKey *Error
	// LastSeen is how the inside was when a run last verified it; nil when that isn't known.
	LastSeen *LastSeen
	// Staged is the copy of the project, if the generation has one and it could be observed; else nil.
	Staged *Staged
	// RosettaLost reports that the VM's configuration has Rosetta on, and this Mac lacks it.
	RosettaLost bool
	// HomeLeftOut reports whether the VM's lima.yaml says that the home directory is left out.
	HomeLeftOut bool
	// StagedProject is the project that the VM's lima.yaml says to be copied into the guest; empty for none.
	StagedProject string
	// Mounts reports for each of the target's mounts, in that order, what is wrong with it; empty when nothing is.
	Mounts []string
}

// Staged is the copy of the project in a guest that mounts nothing, compared with the project.
type Staged struct {
	Delta *staging.Delta
	Of    string   // the project that it is a copy of, by its manifest; empty when that does not say
	Skips []string // what of the project is not copied: sockets, pipes and devices
	Err   error    // why it could not be compared; the rest is not valid then
}

// Empty reports whether there is nothing to change and nothing in the way.
func (p Plan) Empty() bool { return len(p.Steps) == 0 && len(p.Replace) == 0 && p.Blocked == nil }

// readyAfter reports whether there is nothing to change without which the world would not be ready.
func (p Plan) readyAfter() bool {
	return len(p.Replace) == 0 && p.Blocked == nil &&
		!slices.ContainsFunc(p.Steps, func(s Step) bool { return !s.later })
}

// complete reports whether only the layout marker is left to write.
func (p Plan) complete() bool {
	return p.Empty() || len(p.Steps) == 1 && p.has(StepMarker)
}

// Interrupts reports whether a step of the plan stops programs that run in the VM.
func (p Plan) Interrupts() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Interrupts })
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

// disturbs is like Disruption, and empty as well for a VM in which nothing runs.
func (p Plan) disturbs() Disruption {
	if p.idle() {
		return ""
	}
	return p.Disruption()
}

// idle reports whether there is no VM, or one that is stopped, in which nothing runs.
func (p Plan) idle() bool {
	return p.Existing == nil || p.Existing.Status == strings.ToLower(limatype.StatusStopped)
}

// changesVMs reports whether another VM takes the place of the one that is there.
func (p Plan) changesVMs() bool { return len(p.Replace) > 0 || p.has(StepRollbackDisplace) }

// Destroys reports whether the plan deletes a VM that someone may have used. One that an interrupted run was still
// making is none.
func (p Plan) Destroys() bool {
	return len(p.Replace) > 0 || slices.ContainsFunc(p.Steps, func(s Step) bool {
		return s.Destroys && (s.ID != StepRollbackRemove || p.has(StepRollbackDisplace))
	})
}

func (p Plan) deletesVM() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Destroys })
}

// Losses describes what a run deletes when it applies the plan, and what it keeps.
func (p Plan) Losses() (deleted, kept string) {
	deleted, kept = p.Existing.onlyInVM(), p.Existing.onHost()
	switch {
	case len(p.Replace) == 0 && p.deletesVM():
		deleted = "leftovers of an interrupted run"
		kept = "the VM, with everything in it; " + kept
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
	case p.has(StepRestoreRemove), p.has(StepRollbackDisplace):
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

// add plans a step at its place if there is a reason for it, and reports whether there is.
func (p *Plan) add(id StepID, reasons ...string) bool {
	if len(reasons) > 0 {
		p.insert(newStep(id, reasons...))
	}
	return len(reasons) > 0
}

// insert plans a step at the place that the list of kinds gives it.
func (p *Plan) insert(step Step) {
	all := kinds()
	place := orderOf(step.ID, all)
	at := slices.IndexFunc(p.Steps, func(s Step) bool { return orderOf(s.ID, all) > place })
	if at < 0 {
		at = len(p.Steps)
	}
	p.Steps = slices.Insert(p.Steps, at, step)
}
