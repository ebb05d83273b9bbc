package provision

import (
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// State is what was observed of a world. It is derived anew at every run and never stored.
type State struct {
	// Instance is what Lima knows of the VM; nil when there is none of that name.
	Instance *limatype.Instance
	// Siblings are the VMs that stand beside it: kept, or left by a run that was killed.
	Siblings vmswap.Siblings
	// Guest is what was found inside; nil when the VM does not run or could not be entered.
	Guest *guest.Observation
	// GuestError says why a VM that should run could not be entered; nil otherwise.
	GuestError error
	// SharedDead says that Lima's shared ssh connection did not work and a fresh one did.
	SharedDead bool
	// Booting says that somebody can get in already while Lima is still busy with starting the VM: mounts and forwarded
	// sockets are not there yet, and packages may be at work.
	Booting bool
	// Unanswered is what root in the guest met when it asked the agent, other than an answer; empty when it was answered, or
	// nobody asked. Only connecting shows a listener that systemd has lost, or an agent that hangs.
	Unanswered string
	// Locked is why ssh lets nobody in anew while Lima's shared connection works; empty when it does, or nobody tried.
	Locked string
	// SSHSetting is the setting of the guest's sshd, with its value, that forbids what a fresh connection is for; empty for none.
	SSHSetting string
	// Booted says that the VM's present boot came to its end; Age is how long ago it began, 0 when that is unknown.
	Booted bool
	Age    time.Duration
	// DiskGone says that the VM was started before, and its disk image is not there.
	DiskGone bool
	// Tried are the steps that this run has done; Unheld is one that did not hold, although it was done.
	Tried  map[StepID]bool
	Unheld string
	// HostSocket says whether the host's end of the forwarded socket accepts connections.
	HostSocket bool
	// Mounts says for each wanted mount, in the order of [Wanted].Mounts, what is wrong with it; empty when nothing is.
	Mounts []string
}
