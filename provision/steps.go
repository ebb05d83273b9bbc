package provision

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/lima-vm/lima/v2/pkg/limatype/filenames"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/internal/faults"
	"github.com/atomize-hq/worldsetup/provision/internal/lifecycle"
	"github.com/atomize-hq/worldsetup/provision/lima"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// kinds lists every kind of step, in the order in which a plan holds them. The exceptions are a restart of the VM,
// which comes after the early steps and before all others; and StepWaitForBoot, the wait for the end of a boot, which
// comes before what needs that: a build, the marker.
func kinds() []kind {
	always := func(target) bool { return true }
	return []kind{
		{
			id: StepAdopt, title: "mark the VM as a world", usual: time.Second, disruption: DisruptionLive,
			repairs: []string{itemOwner},
			apply: func(r *run, ctx context.Context, at State, _ Step, line func(string)) error {
				return r.place.Claim(ctx, "", at.ProtectedBy == "" && r.target.protects(), line)
			},
		},
		{
			id: StepProtect, title: "protect the VM from deletion (limactl protect)", usual: time.Second,
			disruption: DisruptionLive, repairs: []string{"protection"},
			apply: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				return r.place.Claim(ctx, "", true, line)
			},
		},
		{
			id: StepReplaceCreate, title: "create the new VM beside the old one", usual: time.Second, reports: true,
			apply: swaps((*replacement).createBeside),
		},
		{
			id: StepReplaceStop, title: "stop the old VM", usual: 3 * time.Second, interrupts: true,
			apply: swaps((*replacement).stopOld),
		},
		{
			id: StepReplaceBackup, title: "rename the old VM to its backup", usual: time.Second,
			apply: moves("", vmswap.Backup),
		},
		{
			id: StepReplacePlace, title: "give the new VM its name", usual: time.Second,
			apply: func(r *run, _ context.Context, _ State, _ Step, _ func(string)) error {
				r.target.spec.Replace = "" // from here on the new VM is completed like any other
				return r.place.Rename(vmswap.Staged, "")
			},
		},
		{
			id: StepCreate, title: "create the VM", usual: time.Second, reports: true, repairs: []string{"instance"},
			apply: func(r *run, ctx context.Context, at State, _ Step, line func(string)) error {
				profile, err := r.target.newProfile()
				if err != nil {
					return err
				}
				if at.HalfCreated {
					if err := r.place.Discard(ctx, "", line); err != nil {
						return err
					}
				}
				return r.vm.Create(ctx, profile, r.target.protects(), line)
			},
		},
		{
			id: StepClock, title: "set the guest's clock", usual: time.Second, disruption: DisruptionLive,
			repairs: []string{"clock"},
			plan:    planClock, task: clockTask,
		},
		{
			id: StepWritable, title: "make the guest's root file system writable", usual: time.Second,
			disruption: DisruptionLive,
			early:      true, reobserve: true, repairs: []string{"root-fs"},
			plan: planWritable, apply: makeWritable,
		},
		{
			id: StepFreeSpace, title: "free disk space in the guest", usual: 2 * time.Second,
			disruption: DisruptionLive,
			repairs:    []string{"disk"},
			plan:       planFreeSpace, task: freeSpaceTask, explain: explainFreeSpace,
		},
		{
			id: StepHostSocket, title: "close the forwarded socket to other users of this machine",
			usual: 10 * time.Millisecond, disruption: DisruptionLive, repairs: []string{"host-socket"},
			plan:  func(p *Plan, _ target, s State) { p.add(StepHostSocket, openingReasons(s)...) },
			apply: closeOpenings,
		},
		{
			id: StepSSHAccess, title: "repair SSH access for Lima's key", usual: time.Second,
			disruption: DisruptionLive, early: true,
			repairs: []string{"ssh"},
			plan:    planSSHAccess, apply: repairSSHAccess,
		},
		{
			id: StepRosetta, title: "take Rosetta out of the VM", usual: time.Second, disruption: DisruptionLive, early: true,
			repairs: []string{"configuration"}, plan: planRosetta, apply: removeRosetta,
		},
		{
			id: StepGroup, title: "add the user to the group substrate", usual: time.Second,
			disruption: DisruptionLive, early: true,
			repairs: []string{"group"}, inNew: always, conditional: true,
			plan: func(p *Plan, _ target, s State) { p.add(StepGroup, faults.Group(s.Guest)...) },
			task: func(_ target, o *guest.Observation, _ Step) (*task, error) {
				return &task{change: guest.AddToGroup{User: o.User}}, nil
			},
		},
		{
			id: StepConnection, title: "reconnect Lima's shared ssh connection", usual: time.Second,
			disruption: DisruptionConnection,
			reobserve:  true, repairs: []string{"session", "host-socket"},
			apply: renewConnection,
		},
		{
			id: StepStop, title: "stop the VM", usual: 3 * time.Second, disruption: DisruptionRestart, interrupts: true,
			repairs: []string{
				"instance", "guest-access", "sudo", "root-fs", "session", "host-socket", "mount-project", "mount-home",
			},
			apply: func(r *run, ctx context.Context, _ State, step Step, line func(string)) error {
				err := r.vm.Stop(ctx, step.force, !DisruptionForce.Above(r.consent.agreed), line)
				if late, ok := errors.AsType[*lifecycle.StaysUpError](err); ok {
					return staysUp(r.target.spec.VM, late)
				}
				return err
			},
		},
		{
			id: StepConfigure, title: "change the VM's configuration", usual: time.Second,
			disruption: DisruptionRestart,
			repairs:    []string{"configuration"},
			apply: func(r *run, _ context.Context, at State, _ Step, _ func(string)) error {
				text, err := r.target.editedConfig(at.Instance.Dir)
				if err == nil && len(at.Warm) > 0 {
					err = lima.KeepConfig(at.Instance.Dir)
				}
				if err != nil {
					return err
				}
				return lima.WriteConfig(at.Instance.Dir, text)
			},
		},
		{
			id: StepStart, title: "start the VM", usual: 20 * time.Second, disruption: DisruptionRestart,
			follows: true, reobserve: true, reports: true, repairs: []string{"instance"},
			apply: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				err := r.vm.Start(ctx, line)
				r.target.rosetta = r.target.rosetta && !r.vm.Activity.WithoutRosetta()
				return err
			},
			explain: explainBoot,
		},
		{
			id: StepDirectories, title: "create the agent's directories", usual: time.Second,
			disruption: DisruptionLive,
			repairs:    []string{"directories", "parent-directories"}, inNew: always,
			plan: planDirectories, task: directoriesTask,
		},
		{
			id: StepStage, title: "copy the project into the guest", usual: 3 * time.Second, disruption: DisruptionLive,
			reports: true, repairs: []string{itemStaged},
			inNew: func(t target) bool { return !t.layout.Mounts() },
			plan:  planStage, apply: stageProject, explain: explainStage,
		},
		{
			id: StepCompanions, title: "install the companion binaries", usual: time.Second, disruption: DisruptionLive,
			repairs: []string{"companions"},
			inNew:   func(t target) bool { return len(t.companions) > 0 },
			plan:    planCompanions,
			apply: func(r *run, ctx context.Context, at State, step Step, _ func(string)) error {
				return r.target.installCompanions(ctx, r.session(at), step.operands)
			},
			explain: explainCompanions,
		},
		{
			id: StepUnits, title: "install and enable the systemd units", usual: time.Second,
			disruption: DisruptionLive,
			repairs:    []string{"units", "overrides"}, inNew: always,
			plan: planUnits, task: unitsTask,
		},
		{
			id: StepLinger, title: "keep the user's services running after logout (linger)", usual: time.Second,
			disruption: DisruptionLive,
			repairs:    []string{"linger"}, inNew: always, conditional: true,
			plan: planLinger,
			task: func(_ target, o *guest.Observation, _ Step) (*task, error) {
				return &task{change: guest.EnableLinger{User: o.User}}, nil
			},
			explain: explainLinger,
		},
		{
			id: StepWaitForBoot, title: "wait for the VM to finish booting", usual: 10 * time.Second,
			follows: true, reports: true,
			apply: func(r *run, ctx context.Context, at State, step Step, _ func(string)) error {
				if r.vm.Boot != nil && step.last {
					r.ahead.observe(ctx, at.Instance)
				}
				return r.vm.AwaitBoot(ctx, at.Booting, at.Instance)
			},
			explain: explainBoot,
		},
		{
			id: StepAgentBuild, title: "build the agent in the VM", usual: 3 * time.Minute, disruption: DisruptionLive,
			repairs: []string{"agent"}, inNew: target.builds,
			apply: func(r *run, ctx context.Context, at State, _ Step, line func(string)) error {
				return r.builder.agent(ctx, r.session(at), r.target, line)
			},
			explain: explainBuild,
		},
		{
			id: StepAgent, title: "install the agent", usual: time.Second, disruption: DisruptionLive,
			repairs: []string{"agent"}, inNew: always,
			plan: planAgent, task: agentTask,
			apply: func(r *run, ctx context.Context, at State, _ Step, _ func(string)) error {
				return r.builder.install(ctx, r.session(at), at.Guest.Home)
			},
		},
		{
			id: StepPackages, title: "install packages in the guest", usual: 15 * time.Second,
			disruption: DisruptionLive, booted: true, reports: true,
			repairs: []string{"packages"}, inNew: always, conditional: true,
			plan: planPackages,
			task: func(_ target, _ *guest.Observation, step Step) (*task, error) {
				return &task{change: guest.InstallPackages{Names: step.operands}, deadline: packageDeadline}, nil
			},
			explain: explainPackages,
		},
		{
			id: StepActivate, title: "start the agent and wait for its answer", usual: 2 * time.Second,
			disruption: DisruptionUnit,
			repairs:    []string{"socket", "service"}, inNew: always,
			plan: planActivate, task: activateTask, explain: explainActivate,
		},
		{
			id: StepRetire, title: "retire the units of an older generation", usual: time.Second,
			disruption: DisruptionLive,
			repairs:    []string{"generation"},
			plan:       planRetire, task: retireTask,
		},
		{
			id: StepCompanionBuild, title: "build the companion binaries in the VM", usual: 3 * time.Minute,
			disruption: DisruptionLive, repairs: []string{"companions"},
			inNew: func(t target) bool { return len(t.sources) > 0 },
			plan:  planCompanionBuild,
			apply: func(r *run, ctx context.Context, at State, step Step, line func(string)) error {
				return r.builder.buildCompanions(ctx, r.session(at), r.target, at.Guest.Home, step.operands, line)
			},
			explain: explainCompanionBuild,
		},
		{
			id: StepMarker, title: "write the layout marker", usual: time.Second, disruption: DisruptionLive,
			repairs: []string{"marker"}, inNew: always,
			plan:  planMarker,
			apply: writeMarker,
		},
		{
			id: StepReplaceRemove, title: "remove the old VM", usual: time.Second, destroys: true,
			apply: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				if err := r.place.MarkVerified(); err != nil {
					return err
				}
				return r.place.Discard(ctx, vmswap.Backup, line)
			},
		},
		{id: StepReplaceKeep, title: "keep the old VM", usual: time.Second, apply: markVerified},

		{
			id: StepRollbackDisplace, title: "move the unverified VM out of the way", usual: 3 * time.Second,
			interrupts: true,
			apply: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				return r.place.RollbackDisplace(ctx, line)
			},
		},
		{
			id: StepRollbackPlace, title: "rename the old VM back", usual: time.Second,
			apply: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				return r.place.RollbackPlace(ctx, line)
			},
		},
		{
			id: StepRollbackStart, title: "start the old VM again", usual: 20 * time.Second,
			apply: swaps((*replacement).ensureRunning), explain: explainStart,
		},
		{
			id: StepRollbackVerify, title: "verify that the old VM answers as before", usual: 2 * time.Second,
			apply: swaps((*replacement).verifyOld),
		},
		{
			id: StepRollbackRemove, title: "delete the VM that is not needed", usual: time.Second, destroys: true,
			apply: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				return r.place.RemoveStaged(ctx, line)
			},
		},
		{id: StepRollbackMark, title: "keep the VM as it is", usual: time.Second, apply: markVerified},
		{
			id: StepRollbackEmpty, title: "delete the empty directory of a VM", usual: time.Second,
			apply: func(r *run, _ context.Context, _ State, _ Step, _ func(string)) error {
				return r.place.RemoveEmpty()
			},
		},

		{
			id: StepRestoreStop, title: "stop the VM", usual: 3 * time.Second, interrupts: true,
			apply: swaps((*replacement).stopOld),
		},
		{id: StepRestoreDisplace, title: "rename the VM out of the way", usual: time.Second,
			apply: moves("", vmswap.Displaced)},
		{id: StepRestorePlace, title: "rename the kept VM back", usual: time.Second, apply: moves(vmswap.Backup, "")},
		{
			id: StepRestoreStart, title: "start the kept VM", usual: 20 * time.Second,
			apply: swaps((*replacement).ensureRunning), explain: explainStart,
		},
		{
			id: StepRestoreVerify, title: "verify that the kept VM answers", usual: 2 * time.Second,
			apply: swaps((*replacement).verifyKept),
		},
		{
			id: StepRestoreRemove, title: "delete the displaced VM", usual: time.Second, destroys: true,
			apply: discards(vmswap.Displaced),
		},
		{
			id: StepRestoreKeep, title: "keep the displaced VM", usual: time.Second,
			apply: moves(vmswap.Displaced, vmswap.Backup),
		},

		{
			id: StepRemoveVM, title: "remove the VM", usual: time.Second, interrupts: true, destroys: true,
			apply: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				if r.place.Observe().Displaced {
					return r.place.Discard(ctx, vmswap.Displaced, line)
				}
				return r.place.Discard(ctx, "", line)
			},
		},
		{
			id: StepRemoveKept, title: "remove the kept VM", usual: time.Second, destroys: true,
			apply: discards(vmswap.Backup),
		},
	}
}

// swaps has a step do what a method of the replacement does.
func swaps(
	apply func(w *replacement, ctx context.Context, at State, step Step, line func(string)) error,
) func(*run, context.Context, State, Step, func(string)) error {
	return func(r *run, ctx context.Context, at State, step Step, line func(string)) error {
		return apply(r.swap, ctx, at, step, line)
	}
}

// moves renames the VM with one suffix to the one with another.
func moves(from, to string) func(*run, context.Context, State, Step, func(string)) error {
	return func(r *run, _ context.Context, _ State, _ Step, _ func(string)) error {
		return r.place.Rename(from, to)
	}
}

// discards removes the VM with a suffix.
func discards(suffix string) func(*run, context.Context, State, Step, func(string)) error {
	return func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
		return r.place.Discard(ctx, suffix, line)
	}
}

func markVerified(r *run, _ context.Context, _ State, _ Step, _ func(string)) error {
	return r.place.MarkVerified()
}

// kind describes the steps of one ID: when they are needed, what they do, and what their failure means.
// The list in [kinds] has one literal for each.
type kind struct {
	id         StepID
	title      string
	usual      time.Duration // with hardware acceleration; see package durations
	disruption Disruption
	interrupts bool
	destroys   bool

	// plan adds the step to the plan of a running guest that needs it; nil where another part of a plan does.
	plan func(p *Plan, t target, s State)
	// inNew reports whether the layout of a new VM needs it; nil for never.
	inNew func(t target) bool
	// conditional: a new VM may turn out not to need it.
	conditional bool
	// early: it comes before a restart of the VM, not after it.
	early bool
	// reobserve: the world is observed again after it, before anything else is done.
	reobserve bool
	// follows: it comes because of the step before it, which has the reason.
	follows bool
	// booted: it begins after the end of a boot, since the guest's own first boot may be doing the same.
	booted bool
	// reports: it takes long, and progress of the VM's boot or of a download is reported for it.
	reports bool
	// repairs are the items of the health report that it repairs.
	repairs []string

	// task is a step's work as one change by root in the guest; nil for other steps.
	task func(t target, o *guest.Observation, step Step) (*task, error)
	// apply does the work of all other steps.
	apply func(r *run, ctx context.Context, at State, step Step, line func(string)) error
	// explain completes the failure of a step that ended in err; nil where there is nothing to add to the error.
	explain func(r *run, at State, failure *Error, err error)
}

// ofLayout reports whether the step installs a part of the layout.
func (k kind) ofLayout() bool { return k.inNew != nil }

// StepIDs returns the IDs of all steps, in the order in which a plan holds them.
func StepIDs() (ids []StepID) {
	for _, k := range kinds() {
		ids = append(ids, k.id)
	}
	return ids
}

// kindOf returns the kind of a step's ID.
func kindOf(id StepID) kind {
	all := kinds()
	return all[orderOf(id, all)]
}

// orderOf returns the place of an ID in the list.
func orderOf(id StepID, all []kind) int {
	for i := range all {
		if all[i].id == id {
			return i
		}
	}
	panic("provision: no step has the id " + string(id))
}

// explainBoot adds to a failure how far the VM came before it failed to start, and what to do about it. The advice to
// replace it is for a guest that does not boot: for reasons of this machine, another VM would not start either.
func explainBoot(r *run, at State, failure *Error, err error) {
	spec := r.target.spec
	failure.Why += r.vm.Activity.Evidence(r.target.vmType)
	failure.Next = fmt.Sprintf("see %s and serial*.log beside it, then run worldsetup again; the log is %s",
		filepath.Join(spec.LimaHome, spec.VM, filenames.HostAgentStderrLog), LogPath(spec))
	_, ofLima := errors.AsType[*lima.CommandError](err)
	if !r.done.hasBegun(StepCreate) && !r.swap.underway && !ofLima {
		failure.Next += "; " + lastResort(spec.VM)
	}
	explainStart(r, at, failure, err)
}

// explainStart adds to a failure what to do when the host shows why the VM did not start.
func explainStart(r *run, _ State, failure *Error, err error) {
	if late, ok := errors.AsType[*lifecycle.AgentError](err); ok {
		failure.Next = late.Next()
	}
	if start, ok := errors.AsType[*lifecycle.StartError](err); ok {
		dir := filepath.Join(r.target.spec.LimaHome, r.target.spec.VM)
		failure.Next = fmt.Sprintf("%s; then run worldsetup again. Details: %s and serial*.log beside it",
			start.Advice(dir), filepath.Join(dir, filenames.HostAgentStderrLog))
	}
}

// staysUp returns the error of a VM that did not shut down, and may not be powered off.
func staysUp(vm string, err error) *Error {
	return &Error{
		Kind: KindDisruption, What: "the VM did not shut down, and powering it off was not agreed to",
		Why: err.Error(), Err: err,
		Next: "look at it: limactl shell " + shellescape.Quote(vm) + "; or power it off: " +
			vmCommand("worldsetup", vm) + " --allow=" + DisruptionForce.Word(),
	}
}
