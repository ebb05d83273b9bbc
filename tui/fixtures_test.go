package tui

import (
	"context"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

func checked(outcome checks.Outcome, title, found, why, next string) provision.Event {
	return provision.Event{Type: provision.EventCheck, Check: &checks.Result{Finding: provision.Finding{
		ID: title, Title: title, Outcome: outcome, Found: found, Why: why, Next: next}}}
}

func stepped(number int, step provision.Step, state provision.StepState, elapsed time.Duration) provision.Event {
	return provision.Event{Type: provision.EventStep, Step: &provision.StepStatus{
		Number: number, Of: 3, ID: step.ID, Title: step.Title, Reason: step.Reason, Usual: step.Usual,
		State: state, Elapsed: elapsed,
	}}
}

func logged(line string) provision.Event {
	return provision.Event{Type: provision.EventLog, Message: line, Step: &provision.StepStatus{Number: 2}}
}

func progressed(phase string, transfer *provision.Transfer) provision.Event {
	event := stepped(2, firstPlan.Steps[1], provision.StepRunning, 0)
	event.Type, event.Step.Phase, event.Step.Transfer = provision.EventProgress, phase, transfer
	return event
}

var fixableCheck = provision.Event{Type: provision.EventCheck, Check: &checks.Result{
	Finding: provision.Finding{ID: "qemu", Title: "QEMU", Outcome: checks.Failed, Found: "QEMU is not installed",
		Why: "there is no qemu-system-x86_64 in PATH", Next: "install it: sudo apt-get install qemu-utils"},
	Fix: &checks.FixInfo{Command: []string{"sudo", "apt-get", "install", "-y", "qemu-utils"}},
}}

func planned(plan provision.Plan) provision.Event {
	return provision.Event{Type: provision.EventPlan, Plan: &plan}
}

// gets is what the plans lead to.
var gets = &provision.Gets{
	Project: "/home/ada/project", Home: "/home/ada", CPUs: 4, Memory: 4 << 30, Disk: 20 << 30, Type: "qemu",
	Arch:     "x86_64",
	Image:    "https://cloud-images.ubuntu.com/releases/noble/release/ubuntu-24.04-server-cloudimg-amd64.img",
	Download: true, Agent: "bin/linux/world-agent", Layout: "agent-v1",
}

var probeGets = func() *provision.Gets {
	g := *gets
	g.Probe, g.Agent, g.Changed, g.Disk = true, "the built-in probe", []string{"disk"}, 40<<30
	return &g
}()

var firstPlan = provision.Plan{VM: "substrate", Gets: gets, Steps: []provision.Step{
	{ID: provision.StepCreate, Title: "create the VM", Reason: "there is no VM called substrate", Usual: time.Second},
	{ID: provision.StepStart, Title: "start the VM", Reason: "the VM is new", Usual: 20 * time.Second},
	{ID: provision.StepPackages, Title: "install packages in the guest", Reason: "the VM is new",
		Usual: 15 * time.Second, Conditional: true},
}}

// existingVM is what the plans about an existing VM find.
var existingVM = &provision.Existing{
	Status: "running", Type: "qemu", Arch: "x86_64", CPUs: 4, Memory: 4 << 30, Disk: 20 << 30,
	DiskUsed: 3<<30 + 100<<20,
	Created:  time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), Layout: "socket-parity-v1", Project: "/home/ada/project",
}

var replaceSteps = []provision.Step{
	{ID: provision.StepReplaceBackup, Title: "back up the old VM", Reason: "its processor is aarch64",
		Usual: 3 * time.Second, Interrupts: true},
	{ID: provision.StepCreate, Title: "create the VM", Reason: "the old one is backed up", Usual: time.Second},
	{ID: provision.StepReplaceRemove, Title: "remove the old VM",
		Reason: "the new one was verified", Usual: time.Second,
		Destroys: true},
}

func replacePlan(steps []provision.Step) provision.Plan {
	return provision.Plan{VM: "substrate", Gets: gets, Steps: steps,
		Replace: []string{"its processor is aarch64, and x86_64 was asked for"}, Existing: existingVM}
}

// placeBack starts a run that finds a backup and no VM in its place.
var placeBack = provision.Step{ID: provision.StepRollbackPlace, Title: "rename the old VM back",
	Reason: "an interrupted run has backed it up", Usual: time.Second}

var repairPlan = provision.Plan{VM: "substrate", Gets: probeGets, Existing: existingVM, Unseen: true,
	Steps: []provision.Step{{ID: provision.StepStop, Title: "stop the VM", Reason: "the mount /src is lost",
		Usual: 3 * time.Second, Interrupts: true}}}

// keptPlan is a repair of a VM beside which another is kept.
var keptPlan = func() provision.Plan {
	plan, vm := repairPlan, *existingVM
	vm.Kept = "substrate.ws-old"
	plan.Existing = &vm
	return plan
}()

var removalPlan = provision.Plan{VM: "substrate", Existing: keptPlan.Existing, Steps: []provision.Step{
	{ID: provision.StepRemoveKept, Title: "remove the kept VM", Reason: "requested", Usual: time.Second,
		Destroys: true},
	{ID: provision.StepRemoveVM, Title: "remove the VM", Reason: "requested", Usual: time.Second, Destroys: true},
}}

// restorePlan restores the kept VM.
var restorePlan = provision.Plan{VM: "substrate", Existing: keptPlan.Existing, Steps: []provision.Step{
	{ID: provision.StepRestorePlace, Title: "rename the kept VM back"},
	{ID: provision.StepRestoreRemove, Title: "remove the backup", Destroys: true},
}}

func healthy() *provision.Health {
	return &provision.Health{
		Schema: provision.Schema, VM: "substrate", Ready: true, Instance: "running",
		Socket: provision.Socket{
			Path: "/run/substrate.sock", Type: "socket", Owner: "root", Group: "substrate", Mode: "0660",
			Reach: []provision.Reach{{Who: "ada", How: "in the group substrate", Expected: true}},
			Host:  "/home/ada/.lima/substrate/sock/substrate.sock",
		},
		Access: []provision.Finding{
			{ID: provision.WhoUser, Title: "the user, on a fresh connection", Want: "answered", Found: "answered",
				Outcome: provision.OK, Elapsed: 21 * time.Millisecond},
			{ID: provision.WhoRoot, Title: "root in the guest", Want: "answered", Found: "answered",
				Outcome: provision.OK, Elapsed: 9 * time.Millisecond},
			{ID: provision.WhoOutsider, Title: "a user outside the group", Want: "refused", Found: "refused",
				Outcome: provision.OK},
			{ID: provision.WhoHost, Title: "the host, through Lima's socket", Want: "answered", Found: "answered",
				Outcome: provision.OK, Elapsed: 16 * time.Millisecond},
		},
		Agent: provision.AgentInfo{SHA256: strings.Repeat("0123456789abcdef", 4), Probe: true, Version: "v1",
			Backend: "world-agent", Platform: "linux", Features: []string{"probe"}},
		Items: []provision.Item{
			{Finding: provision.Finding{ID: "linger", Title: "linger", Outcome: provision.OK, Found: "on"}},
			{Finding: provision.Finding{ID: "disk", Title: "disk of the guest", Outcome: provision.Warning,
				Want: "under 85 % used", Found: "91 % used, 1.8 GiB free", Next: "worldsetup --disk SIZE"}},
		},
	}
}

func unhealthy() *provision.Health {
	health := healthy()
	health.Ready, health.Drift = false, repairPlan
	health.Access[2].Found, health.Access[2].Outcome, health.Access[2].Next = "answered",
		provision.Failed, "worldsetup"
	return health
}

// intruded is a world that only a person can repair.
func intruded() *provision.Health {
	health := unhealthy()
	health.Drift = provision.Plan{VM: "substrate"}
	health.Items = append(health.Items, provision.Item{Finding: provision.Finding{ID: "group",
		Title: "group of the socket", Outcome: provision.Failed, Want: "the user is a member",
		Found: "mallory can reach the socket: in the group substrate",
		Next: "limactl shell --workdir / substrate sudo gpasswd -d mallory substrate\n" +
			"and run worldsetup again"}})
	health.Socket.Reach = append(health.Socket.Reach, provision.Reach{Who: "mallory", How: "in the group substrate"})
	for len(health.Access) < 6 {
		health.Access = append(health.Access, health.Access[0])
	}
	return health
}

var (
	missing = &provision.Error{Kind: provision.KindPrerequisite, What: "Lima is not installed",
		Why: "there is no limactl in PATH", Next: "brew install lima"}
	broken = &provision.Error{
		Kind: provision.KindProvisioning, What: `the step "start the VM" failed`,
		Why:  "limactl exited with 1:\nhost agent process has exited: signal: killed",
		Next: "see /home/ada/.lima/substrate/ha.stderr.log, then run worldsetup again",
	}
	notReady = &provision.Error{Kind: provision.KindUnhealthy, What: "the world in the VM substrate is not ready",
		Next: "run worldsetup, which repairs what it can"}
	stopped = &provision.Error{Kind: provision.KindInterrupted,
		What: `the run was interrupted during the step "start the VM"`, Why: "stopped from the keyboard",
		Next: "run worldsetup again", Err: context.Canceled}
)

// foreignPlan is blocked by a foreign VM, and adoptPlan adopts it.
var (
	foreignVM = provision.Existing{Status: "running", Type: "qemu", Arch: "x86_64", CPUs: 2, Memory: 2 << 30,
		Disk: 8 << 30}
	foreignPlan = provision.Plan{VM: "substrate", Existing: &foreignVM, Blocked: &provision.Error{
		Kind: provision.KindUsage, What: "the VM substrate is not a world", Err: provision.ForeignError{},
		Why: "its directory has no mark of worldsetup", Next: "worldsetup --adopt=substrate",
	}}
	adoptPlan = provision.Plan{VM: "substrate", Gets: gets, Existing: &foreignVM, Steps: []provision.Step{
		{ID: provision.StepAdopt, Title: "mark the VM as a world",
			Reason: "nothing shows that it is a world; --adopt=substrate takes it over", Usual: time.Second},
		{ID: provision.StepStop, Title: "stop the VM", Reason: "/run/substrate.sock is not forwarded to the host",
			Usual: 3 * time.Second, Interrupts: true},
	}}
)
