package provision

import (
	"context"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
	"github.com/atomize-hq/worldsetup/provision/vmswap"
)

// The steps.
const (
	StepReplaceCreate StepID = "replace-create"
	StepReplaceStop   StepID = "replace-stop"
	StepReplaceBackup StepID = "replace-backup"
	StepReplacePlace  StepID = "replace-place"

	StepCreate      StepID = "vm-create"
	StepClock       StepID = "clock"
	StepWritable    StepID = "writable"
	StepFreeSpace   StepID = "free-disk-space"
	StepSSHAccess   StepID = "ssh-access"
	StepGroup       StepID = "group"
	StepConnection  StepID = "connection"
	StepStop        StepID = "vm-stop"
	StepConfigure   StepID = "vm-configure"
	StepStart       StepID = "vm-start"
	StepDirectories StepID = "directories"
	StepCompanions  StepID = "companions"
	StepUnits       StepID = "units"
	StepLinger      StepID = "linger"
	StepWaitForBoot StepID = "vm-boot-wait"
	StepPackages    StepID = "packages"
	StepAgentBuild  StepID = "agent-build"
	StepAgent       StepID = "agent"
	StepActivate    StepID = "activate"
	StepMarker      StepID = "marker"

	StepReplaceRemove StepID = "replace-remove"
	StepReplaceKeep   StepID = "replace-keep"

	// Rolling back what failed, was cancelled or was killed.
	StepUndoAside  StepID = vmswap.UndoAside
	StepUndoPlace  StepID = vmswap.UndoPlace
	StepUndoStart  StepID = "rollback-start"
	StepUndoProve  StepID = "rollback-verify"
	StepUndoRemove StepID = vmswap.UndoRemove
	StepUndoMark   StepID = vmswap.UndoMark
	StepUndoEmpty  StepID = vmswap.UndoEmpty
	StepUndoRename StepID = vmswap.UndoRename

	// Restoring a kept VM.
	StepRestoreStop     StepID = "restore-stop"
	StepRestoreDisplace StepID = "restore-displace"
	StepRestorePlace    StepID = "restore-place"
	StepRestoreStart    StepID = "restore-start"
	StepRestoreProve    StepID = "restore-verify"
	StepRestoreRemove   StepID = "restore-remove"
	StepRestoreKeep     StepID = "restore-keep"

	// Removing a world.
	StepRemoveVM   StepID = "remove-vm"
	StepRemoveKept StepID = "remove-kept"
)

// kinds lists every kind of step, in the order in which a plan holds them. The exceptions are a restart of the VM,
// which comes after the early steps and before all others; and StepWaitForBoot, the wait for the end of a boot, which
// comes before what needs that: packages, a build, the marker.
func kinds() []kind {
	always := func(target) bool { return true }
	return []kind{
		{
			id: StepReplaceCreate, title: "create the new VM beside the old one", usual: time.Second, reports: true,
			act: swaps((*replacement).createBeside),
		},
		{
			id: StepReplaceStop, title: "stop the old VM", usual: 3 * time.Second, interrupts: true,
			act: swaps((*replacement).stopOld),
		},
		{
			id: StepReplaceBackup, title: "rename the old VM to its backup", usual: time.Second,
			act: moves("", vmswap.Backup),
		},
		{
			id: StepReplacePlace, title: "give the new VM its name", usual: time.Second,
			act: func(r *run, _ context.Context, _ State, _ Step, _ func(string)) error {
				r.target.spec.Replace = "" // from here on it is the VM that is completed
				return r.place.Rename(vmswap.Spare, "")
			},
		},
		{
			id: StepCreate, title: "create the VM", usual: time.Second, reports: true, repairs: []string{"instance"},
			act: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				profile, err := r.target.newProfile()
				if err != nil {
					return err
				}
				return r.vm.create(ctx, profile, line)
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
			plan: planWritable, act: makeWritable,
		},
		{
			id: StepFreeSpace, title: "free disk space in the guest", usual: 2 * time.Second,
			disruption: DisruptionLive,
			repairs:    []string{"disk"},
			plan:       planFreeSpace, task: freeSpaceTask, explain: explainFreeSpace,
		},
		{
			id: StepSSHAccess, title: "repair SSH access for Lima's key", usual: time.Second,
			disruption: DisruptionLive, early: true,
			repairs: []string{"ssh"},
			plan:    planSSHAccess, act: repairSSHAccess,
		},
		{
			id: StepGroup, title: "add the user to the group substrate", usual: time.Second,
			disruption: DisruptionLive, early: true,
			repairs: []string{"group"}, inNew: always, conditional: true,
			plan: func(p *Plan, _ target, s State) { p.add(StepGroup, groupReasons(s.Guest)...) },
			task: func(_ target, o *guest.Observation, _ Step) (*task, error) {
				return &task{change: guest.AddToGroup{User: o.User}}, nil
			},
		},
		{
			id: StepConnection, title: "reconnect Lima's shared ssh connection", usual: time.Second,
			disruption: DisruptionConnection,
			reobserve:  true, repairs: []string{"session", "host-socket"},
			act: renewConnection,
		},
		{
			id: StepStop, title: "stop the VM", usual: 3 * time.Second, disruption: DisruptionRestart, interrupts: true,
			repairs: []string{
				"instance", "guest-access", "sudo", "root-fs", "session", "host-socket", "mount-project", "mount-home",
			},
			act: func(r *run, ctx context.Context, _ State, step Step, line func(string)) error {
				return r.vm.stop(ctx, step.force, line)
			},
		},
		{
			id: StepConfigure, title: "change the VM's configuration", usual: time.Second,
			disruption: DisruptionRestart,
			repairs:    []string{"configuration"},
			act: func(r *run, ctx context.Context, at State, _ Step, line func(string)) error {
				return r.lima.Edit(ctx, r.target.spec.VM, r.target.wanted.Settings(at.Instance), line)
			},
		},
		{
			id: StepStart, title: "start the VM", usual: 20 * time.Second, disruption: DisruptionRestart,
			follows: true, reobserve: true, reports: true, repairs: []string{"instance"},
			act: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				return r.vm.start(ctx, r.done.begun(StepCreate), line)
			},
			explain: explainBoot,
		},
		{
			id: StepDirectories, title: "create the agent's directories", usual: time.Second,
			disruption: DisruptionLive,
			repairs:    []string{"directories", "parent-directories"}, inNew: always,
			plan: func(p *Plan, _ target, s State) { p.add(StepDirectories, directoryReasons(s.Guest)...) },
			task: func(_ target, o *guest.Observation, step Step) (*task, error) {
				return &task{change: guest.MakeDirectories{User: o.User, Home: o.Home, Open: step.operands}}, nil
			},
		},
		{
			id: StepCompanions, title: "install the companion binaries", usual: time.Second, disruption: DisruptionLive,
			repairs: []string{"companions"},
			inNew:   func(t target) bool { return len(t.companions) > 0 },
			plan:    planCompanions,
			act: func(r *run, ctx context.Context, at State, step Step, _ func(string)) error {
				return r.target.installCompanions(ctx, r.session(at), step.operands)
			},
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
			act: func(r *run, ctx context.Context, at State, step Step, _ func(string)) error {
				if r.vm.boot == nil {
					return r.vm.awaitBoot(ctx, at.Instance)
				}
				if step.last {
					r.observeAhead(ctx, at.Instance)
				}
				return r.vm.boot.wait()
			},
			explain: explainBoot,
		},
		{
			id: StepPackages, title: "install packages in the guest", usual: 15 * time.Second,
			disruption: DisruptionLive,
			repairs:    []string{"packages"}, inNew: always, conditional: true,
			plan: planPackages,
			task: func(_ target, _ *guest.Observation, step Step) (*task, error) {
				return &task{change: guest.InstallPackages{Names: step.operands}, deadline: packageDeadline}, nil
			},
			explain: explainPackages,
		},
		{
			id: StepAgentBuild, title: "build the agent in the VM", usual: 3 * time.Minute, disruption: DisruptionLive,
			repairs: []string{"agent"}, inNew: target.builds,
			act: func(r *run, ctx context.Context, at State, _ Step, line func(string)) error {
				return r.builder.build(ctx, r.session(at), r.target.agent.Package, line)
			},
			explain: explainBuild,
		},
		{
			id: StepAgent, title: "install the agent", usual: time.Second, disruption: DisruptionLive,
			repairs: []string{"agent"}, inNew: always,
			plan: planAgent, task: agentTask,
			act: func(r *run, ctx context.Context, at State, _ Step, _ func(string)) error {
				return r.builder.install(ctx, r.session(at), at.Guest.Home)
			},
		},
		{
			id: StepActivate, title: "start the agent and wait for its answer", usual: 2 * time.Second,
			disruption: DisruptionUnit,
			repairs:    []string{"socket", "service"}, inNew: always,
			plan: planActivate, task: activateTask, explain: explainActivate,
		},
		{
			id: StepMarker, title: "write the layout marker", usual: time.Second, disruption: DisruptionLive,
			repairs: []string{"marker"}, inNew: always,
			plan: planMarker,
			act:  writeMarker,
		},
		{
			id: StepReplaceRemove, title: "remove the old VM", usual: time.Second, destroys: true,
			act: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				if err := r.place.MarkVerified(); err != nil {
					return err
				}
				return r.place.Discard(ctx, vmswap.Backup, line)
			},
		},
		{id: StepReplaceKeep, title: "keep the old VM", usual: time.Second, act: verified},

		{
			id: StepUndoAside, title: "move the unverified VM out of the way", usual: 3 * time.Second, interrupts: true,
			act: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				return r.place.UndoAside(ctx, line)
			},
		},
		{
			id: StepUndoPlace, title: "rename the old VM back", usual: time.Second,
			act: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				return r.place.UndoPlace(ctx, line)
			},
		},
		{id: StepUndoStart, title: "start the old VM again", usual: 20 * time.Second,
			act: swaps((*replacement).ensureRunning)},
		{
			id: StepUndoProve, title: "verify that the old VM answers as before", usual: 2 * time.Second,
			act: swaps((*replacement).verifyOld),
		},
		{
			id: StepUndoRemove, title: "delete the VM that is not needed", usual: time.Second, destroys: true,
			act: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				return r.place.RemoveSpare(ctx, line)
			},
		},
		{id: StepUndoMark, title: "keep the VM as it is", usual: time.Second, act: verified},
		{
			id: StepUndoEmpty, title: "delete the empty directory of a VM", usual: time.Second,
			act: func(r *run, _ context.Context, _ State, _ Step, _ func(string)) error {
				return r.place.RemoveEmpty()
			},
		},
		{
			id: StepUndoRename, title: "rejoin the two halves of the VM", usual: time.Second,
			act: func(r *run, _ context.Context, _ State, _ Step, _ func(string)) error {
				return r.place.Rejoin()
			},
		},

		{
			id: StepRestoreStop, title: "stop the VM", usual: 3 * time.Second, interrupts: true,
			act: swaps((*replacement).stopOld),
		},
		{id: StepRestoreDisplace, title: "rename the VM out of the way", usual: time.Second,
			act: moves("", vmswap.Displaced)},
		{id: StepRestorePlace, title: "rename the kept VM back", usual: time.Second, act: moves(vmswap.Backup, "")},
		{id: StepRestoreStart, title: "start the kept VM", usual: 20 * time.Second,
			act: swaps((*replacement).ensureRunning)},
		{
			id: StepRestoreProve, title: "verify that the kept VM answers", usual: 2 * time.Second,
			act: swaps((*replacement).verifyKept),
		},
		{
			id: StepRestoreRemove, title: "delete the displaced VM", usual: time.Second, destroys: true,
			act: discards(vmswap.Displaced),
		},
		{
			id: StepRestoreKeep, title: "keep the displaced VM", usual: time.Second,
			act: moves(vmswap.Displaced, vmswap.Backup),
		},

		{
			id: StepRemoveVM, title: "remove the VM", usual: time.Second, interrupts: true, destroys: true,
			act: func(r *run, ctx context.Context, _ State, _ Step, line func(string)) error {
				if r.place.Survey().Displaced {
					return r.place.Discard(ctx, vmswap.Displaced, line)
				}
				return r.place.Discard(ctx, "", line)
			},
		},
		{
			id: StepRemoveKept, title: "remove the kept VM", usual: time.Second, destroys: true,
			act: discards(vmswap.Backup),
		},
	}
}

// swaps is what a replacement does.
func swaps(
	act func(w *replacement, ctx context.Context, at State, step Step, line func(string)) error,
) func(*run, context.Context, State, Step, func(string)) error {
	return func(r *run, ctx context.Context, at State, step Step, line func(string)) error {
		return act(r.swap, ctx, at, step, line)
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

func verified(r *run, _ context.Context, _ State, _ Step, _ func(string)) error {
	return r.place.MarkVerified()
}
