package lima

import (
	"slices"
	"strings"
)

// Phase is how far a starting VM has come.
type Phase string

// The phases, in the order in which a VM goes through them. Lima does not report PhaseKernel and PhasePort: what the VM
// writes to its serial console and an answer at its ssh port show them.
const (
	PhaseDriver  Phase = "starting the driver"
	PhaseUp      Phase = "driver up"
	PhaseKernel  Phase = "kernel output"
	PhasePort    Phase = "ssh port accepts"
	PhaseSSH     Phase = "ssh answers"
	PhaseSession Phase = "user session"
	PhaseMounts  Phase = "mounts"
	PhaseScripts Phase = "boot scripts"
)

var phases = []Phase{PhaseDriver, PhaseUp, PhaseKernel, PhasePort, PhaseSSH, PhaseSession, PhaseMounts, PhaseScripts}

// After reports whether p comes later than other, which may be empty.
func (p Phase) After(other Phase) bool { return p.rank() > other.rank() }

func (p Phase) rank() int { return slices.Index(phases, p) }

// prefixes are the beginnings of the messages by which Lima's host agent (v2.0 to v2.2) reports a phase. Of a boot its
// events hold only the beginning and the end ([Boot]).
//
// The driver vz holds both back until the guest's port 22 answers (pkg/driver/vz, AdditionalSetupForSSH), and says in
// one of two ways that it does: by vsock, or not (vm_darwin.go). What it says when none is waited for is no phase.
var prefixes = []struct {
	message string
	phase   Phase
}{
	{"Starting QEMU", PhaseDriver},
	{"Starting VZ", PhaseDriver},
	{"Starting the instance ", PhaseDriver},
	{"[VZ] - vm state change: running", PhaseUp},
	{"Detected SSH server is listening on the vsock port", PhasePort},
	{"SSH server does not seem to be running on vsock port", PhasePort},
	{"Waiting for the essential requirement 1 of ", PhaseUp},
	{"The essential requirement 1 of ", PhaseSSH},
	{"Waiting for the essential requirement 2 of ", PhaseSession},
	{"Mounting ", PhaseMounts},
	{"Waiting for the final requirement ", PhaseScripts},
}

// StoppedBooting reports whether a line of limactl's log says that the VM has stopped. While it boots on vz, Lima
// itself goes on waiting for its ssh server, for 10 minutes, and does not look at that (pkg/hostagent, Run).
func StoppedBooting(message string) bool {
	return strings.HasPrefix(message, "[VZ] - vm state change: stopped")
}

// WithoutRosetta reports whether a line of limactl's log says that the VM starts without the Rosetta that its
// configuration asks for (pkg/driver/vz, attachFolderMounts).
func WithoutRosetta(message string) bool {
	return strings.HasPrefix(message, "Unable to configure Rosetta: ")
}

// PhaseOf returns the phase that a line of limactl's log reports; empty for most lines.
func PhaseOf(message string) Phase {
	for _, line := range prefixes {
		if strings.HasPrefix(message, line.message) {
			return line.phase
		}
	}
	return ""
}
