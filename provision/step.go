package provision

import (
	"time"

	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

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

// StepState is how far a step has come.
type StepState string

// The step states.
const (
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
	StepSkipped StepState = "skipped" // it was agreed to and is not needed; Reason has why
	StepPending StepState = "pending" // only in [Progress]: still to come
)

// StepStatus is the progress of a step.
type StepStatus struct {
	Number  int           `json:"number"` // in the list that was agreed to; what was added is counted on
	Of      int           `json:"of"`     // the length of that list, with what was added so far
	ID      StepID        `json:"id"`
	Title   string        `json:"title"`
	Reason  string        `json:"reason,omitempty"`
	Added   bool          `json:"added,omitempty"` // it was not in the plan that was agreed to
	State   StepState     `json:"state"`
	Elapsed time.Duration `json:"elapsed_ns"`
	Usual   time.Duration `json:"usual_ns,omitempty"` // how long it usually takes
	Left    time.Duration `json:"left_ns,omitempty"`  // how long the whole run still takes, as far as is known
	Error   *Error        `json:"error,omitempty"`
	// Phase is how far a long step has come, and Transfer the progress of its download.
	Phase    string    `json:"phase,omitempty"`
	Transfer *Transfer `json:"transfer,omitempty"`
}

// Transfer is the progress of a download.
type Transfer struct {
	Done  int64         `json:"done"`            // bytes
	Total int64         `json:"total,omitempty"` // bytes; 0 when unknown
	Rate  int64         `json:"rate,omitempty"`  // bytes per second, smoothed
	Left  time.Duration `json:"left_ns,omitempty"`
}

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
	return "", usage("give live, unit, connection, restart or force", "%q is no level of disruption", word)
}

// Word returns the word for a disruption that [ParseDisruption] reads; empty for others.
func (r Disruption) Word() string { return levels[r.level()].word }
