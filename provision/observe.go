package provision

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/process"
	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/hostsocket"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/internal/mounts"
	"github.com/atomize-hq/worldsetup/provision/internal/verify"
	"github.com/atomize-hq/worldsetup/provision/layout"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// One observation of the guest takes 1 s on an idle emulated machine and up to 7 s on a busy one. A dead shared
// connection hangs, so it has a shorter deadline than the fresh one that is tried next.
const (
	sharedDeadline = 20 * time.Second
	freshDeadline  = 45 * time.Second
)

// observer observes the world.
type observer struct {
	vm       *lifecycle.VM
	guest    func(*limatype.Instance, layout.Layout) guest.Client
	prefetch prefetch
}

// hiddenVM reports whether there may be a VM that Lima did not list: without a directory of its name there is none.
func hiddenVM(place vmswap.Place, findErr error) bool { return findErr != nil && place.Observe().VM }

// observe observes instance, which may be nil. If the guest can't be entered, the State holds the reason. done is the
// history of the run so far. ask are those who ask the agent meanwhile.
func (o *observer) observe(
	ctx context.Context, instance *limatype.Instance, t target, done history, ask []string,
) State {
	defer o.prefetch.drop()
	state := State{
		Instance: instance, Swap: o.vm.Place.Observe(), Signs: t.signs(o.vm.Place, instance),
		ProtectedBy: protector(o.vm.Place, ""),
		Booting:     o.vm.Boot.Laying(),
		Tried:       done.finished, Unheld: done.unheld, Locked: done.locked, LockedCause: done.lockedCause,
	}
	state.Warm, state.Broker = toolSigns(instance)
	state.OpenKey = openKey(t.spec.LimaHome)
	if instance == nil {
		return state
	}
	state.LastSeen = lastSeen(t.spec, instance)
	state.HalfCreated, state.HomeLeftOut = o.vm.HalfCreated(instance), homeLeftOut(instance)
	state.StagedProject = stagedProject(instance)
	state.RosettaLost = t.rosettaLost(instance)
	state.Unprotected = o.vm.Place.Unprotected() && !state.HalfCreated
	state.PIDFiles = lima.PIDFiles(instance.Dir)
	state.Booted, state.Age = lifecycle.BootOf(instance, o.vm.Now())
	running := instance.Status == limatype.StatusRunning
	if o.vm.Boot == nil && running && !state.Booted && state.Age > 0 && state.Age < lifecycle.BootGrace {
		state.Booting = true // another program started it
	}
	if instance.Status == limatype.StatusBroken {
		state.Frozen = lifecycle.Stopped(instance.Dir)
	}
	state.DiskMissing = lifecycle.StartedBefore(instance.Dir) && !lifecycle.HasDisk(instance.Dir)
	if !running || instance.Config == nil {
		return state
	}
	boot, _ := lima.ReadBoot(instance.Dir) // without events nothing is known
	state.Degraded = boot.Degraded
	state.Openings = hostsocket.Openings(instance)
	state.HostSocketOwner = hostsocket.OtherOwner(lima.HostSocketPath(instance), os.Getuid())
	state.HostSocket = state.HostSocketOwner == "" && lifecycle.Accepts(ctx, lima.HostSocketPath(instance))
	wanted := t.mounts()
	if state.Booting {
		wanted = nil // they come at the end of the boot, and observing them would slow it down
	}
	options := guest.ObserveOptions{
		Mounts: mounts.Points(wanted), Ask: ask,
		// An observation slows the boot down, and there is nothing to see.
		New: o.vm.Boot.Going() && done.begun(StepCreate) && !done.begun(StepWaitForBoot),
	}
	var begun *answer
	if !state.Booting && !options.New {
		begun = o.prefetch.take(instance, questionOf(instance, t.layout, options.Mounts), ask)
	}
	state.Guest, state.SharedDead, state.GuestError = o.observeGuest(ctx, instance, t.layout, options, begun)
	if state.Guest != nil {
		state.Guest.UnitTexts = t.textsOf(state.Guest)
		state.Mounts = mounts.Compare(wanted, state.Guest.Mounts, o.vm.Now())
		if state.Guest.SudoRefusal() == guest.SudoWantsPassword {
			state.SudoDenied = lima.SudoDenied(t.spec.LimaHome, instance.Dir)
		}
	}
	if state.Guest != nil && !state.Guest.Untouched {
		state.Staged = o.compareStaged(ctx, instance, t, state.Guest, state.route())
	}
	return state
}

// observeGuest observes over the shared connection, whose groups are the ones that count, or over a fresh one if that
// is dead. begun is how an observation over the shared one has ended; nil when it is still to be made.
func (o *observer) observeGuest(
	ctx context.Context, instance *limatype.Instance, of layout.Layout, options guest.ObserveOptions, begun *answer,
) (seen *guest.Observation, sharedDead bool, err error) {
	observe := func(route guest.Route, deadline time.Duration) (*guest.Observation, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, deadline, guest.Late(deadline))
		defer cancel()
		return o.guest(instance, of).Observe(ctx, route, options)
	}
	if begun != nil {
		seen, err = begun.seen, begun.err
	} else {
		seen, err = observe(guest.Shared, sharedDeadline)
	}
	if _, ok := errors.AsType[*guest.ConnectionError](err); !ok || process.Killed(err) || ctx.Err() != nil {
		return seen, false, err
	}
	freshErr := verify.UntilAdmitted(ctx, func() (err error) {
		seen, err = observe(guest.Fresh, freshDeadline)
		return err
	})
	if freshErr != nil {
		return nil, false, verify.Hangs(ctx, instance, of, errors.Join(err, freshErr))
	}
	return seen, true, nil
}

// observeMounts observes the mounts that were not there yet when the rest of a booting guest was observed.
func (o *observer) observeMounts(ctx context.Context, t target, state *State) error {
	wanted := t.mounts()
	seen, err := o.guest(state.Instance, t.layout).ObserveMounts(ctx, guest.Shared, mounts.Points(wanted))
	if err != nil {
		return err
	}
	state.Guest.Mounts, state.Mounts = seen, mounts.Compare(wanted, seen, o.vm.Now())
	return nil
}

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
	// Booted reports that the VM's present boot has ended; Age is how long ago it began, 0 when that is unknown.
	Booted bool
	Age    time.Duration
	// Degraded is what Lima's host agent could not do at that boot; empty for nothing.
	Degraded string
	// DiskMissing reports that the VM was started before, and its disk image is not there.
	DiskMissing bool
	// Tried holds the steps that this run has done; Unheld describes one that had no lasting effect.
	Tried  map[StepID]bool
	Unheld string
	// HostSocket reports whether the host's end of the forwarded socket is the user's and accepts connections.
	HostSocket bool
	// HostSocketOwner tells that it belongs to another user; empty when it doesn't.
	HostSocketOwner string
	// SudoDenied is the file and line by which Lima gives the user no right to sudo without a password; empty for none.
	SudoDenied string
	// Openings are how other users of this machine reach it.
	Openings []hostsocket.Opening
	// OpenKey is why ssh doesn't use Lima's key; nil when it does.
	OpenKey *Error
	// LastSeen is how the inside was when a run last verified it; nil when that isn't known.
	LastSeen *LastSeen
	// Staged is the copy of the project, if the generation has one and it could be looked at; else nil.
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

// LastSeen is how the inside of a VM was when a run last verified it.
type LastSeen struct {
	Layout string    `json:"layout"` // the name of the generation
	Time   time.Time `json:"time"`
}

// itemNames is the line of the report about name servers that lima-warm.sh has fixed. They are no fault of the world,
// and a user may want them: a run leaves them alone, and says what comes of them.
const itemNames = "names"
