package tui

import (
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/provision"
)

// The scenes are the ways to each screen.
var scenes map[string]func(*wizard)

func init() { // some begin with others
	scenes = map[string]func(*wizard){
		"checking": func(w *wizard) {
			w.emits(3*time.Second, checked(checks.OK, "Lima", "2.1.4", "", ""),
				checked(checks.Omitted, "virtualization", "macOS only", "", ""))
		},
		"prerequisites": func(w *wizard) {
			w.emits(time.Second, checked(checks.OK, "ssh client", "OpenSSH 9.6", "", ""),
				checked(checks.Failed, "Lima", "not installed", "there is no limactl in PATH", "brew install lima"),
				checked(checks.Skipped, "QEMU", "waits for Lima", "", ""))
			w.ends(planning, provision.Plan{}, nil, missing)
		},
		"plan": func(w *wizard) {
			w.emits(time.Second, checked(checks.Warning, "free space", "21 GiB",
				"the plan needs 20 GiB", "make room"))
			w.ends(planning, firstPlan, nil, nil)
		},
		"plan-opens": func(w *wizard) {
			plan := firstPlan
			without := *gets
			without.Home, without.Changed = "", []string{"home"}
			plan.HomeLeftOut, plan.Gets = true, &without
			plan.Opens = []string{
				"programs in the VM can write to /home/ada/.ssh: ssh's keys, and who may log in to this machine",
				"programs in the VM can read /home/ada/docs, which is in your home directory",
				"the image http://example.org/x.img has no digest and no encryption: anyone on the way decides what it is",
			}
			w.ends(planning, plan, nil, nil)
		},
		"plan-interrupts": func(w *wizard) { w.ends(planning, repairPlan, nil, nil) },
		"plan-replace": func(w *wizard) {
			w.ends(planning, replacePlan(nil), nil, nil)
			w.ends(planning, replacePlan(replaceSteps), nil, nil)
		},
		"plan-replace-long": func(w *wizard) { w.ends(planning, longReplacement(), nil, nil) },
		"not-ready": func(w *wizard) {
			w.press("r")
			w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
			health := intruded()
			w.ends(verifying, provision.Plan{}, health, &provision.Error{Kind: provision.KindUnhealthy, What: "not ready",
				Next: health.Items[len(health.Items)-1].Next})
		},
		"plan-adopt": func(w *wizard) {
			w.ends(planning, foreignPlan, nil, nil)
			w.ends(planning, adoptPlan, nil, nil)
		},
		"adopt": func(w *wizard) {
			scenes["plan-adopt"](w)
			w.press("t")
			w.types("substr")
		},
		"plan-irreplaceable": func(w *wizard) {
			w.ends(planning, replacePlan(nil), nil, nil)
			w.ends(planning, replacePlan(nil), nil, nil)
		},
		"replace": func(w *wizard) {
			scenes["plan-replace"](w)
			w.press("x")
			w.types("substrat")
		},
		"replace-wrong": func(w *wizard) {
			scenes["replace"](w)
			w.press("enter")
		},
		"restore": func(w *wizard) {
			scenes["kept"](w)
			w.press("m", "B")
			w.previews(restorePlan)
			w.types("sub")
		},
		"remove": func(w *wizard) {
			scenes["kept"](w)
			w.press("m", "D")
			w.previews(removalPlan)
		},
		"removed": func(w *wizard) {
			scenes["remove"](w)
			w.types("substrate")
			w.press("enter")
			w.emits(time.Second, stepped(2, removalPlan.Steps[1], provision.StepDone, time.Second))
			w.ends(removing, provision.Plan{}, nil, nil)
		},
		"kept": func(w *wizard) { w.ends(planning, keptPlan, nil, nil) },
		"choices": func(w *wizard) {
			scenes["plan"](w)
			w.press("c")
			w.validates(nil)
		},
		"choices-custom": func(w *wizard) {
			scenes["choices"](w)
			w.press("down", "right", "down")
			w.types("/tmp/agent")
			w.press("down", "right", "right", "right", "down")
			w.types("0")
			w.validates(provision.Validation{provision.FieldAgent: {Wrong: true, Text: "/tmp/agent: no such file"},
				provision.FieldCPUs: {Wrong: true, Text: "0 is no number of processors"}})
		},
		"fix": func(w *wizard) {
			w.emits(time.Second, fixableCheck)
			w.ends(planning, provision.Plan{}, nil, missing)
			w.press("f")
		},
		"watching": func(w *wizard) {
			scenes["health"](w)
			w.press("w")
			w.model.worker.mailbox.putHealth(*unhealthy())
			w.emits(0)
			w.emits(7 * time.Second)
		},
		"watching-unsure": func(w *wizard) {
			scenes["health"](w)
			w.press("w")
			w.model.worker.mailbox.putHealth(provision.Health{Schema: provision.Schema,
				VM: "substrate", Instance: "unknown",
				Items: []provision.Item{
					{Finding: provision.Finding{ID: provision.ItemObserving, Title: "world", Outcome: provision.Unknown,
						Found: "something changed, and is being observed"}},
				}})
			w.emits(0)
		},
		"exported": func(w *wizard) {
			scenes["health"](w)
			const path = "/home/ada/.local/state/worldsetup/substrate-health.json"
			w.model.Update(written("The report was written to ", "")(path, nil))
		},
		"phases": func(w *wizard) {
			working(w)
			for _, phase := range []string{"starting the driver", "driver up", "kernel output", "ssh port accepts"} {
				w.emits(2*time.Second, progressed(phase, nil))
			}
			w.emits(6*time.Second, progressed("ssh port accepts", &provision.Transfer{Done: 300 << 20, Total: 600 << 20,
				Rate: 9 << 20, Left: 33 * time.Second}))
		},
		"plan-blocked": func(w *wizard) {
			w.ends(planning, provision.Plan{VM: "substrate", Blocked: &provision.Error{Kind: provision.KindUsage,
				What: "there is no agent to install", Next: "give one: --agent FILE"}}, nil, nil)
		},
		"progress": working,
		"stop":     func(w *wizard) { working(w); w.press("ctrl+c") },
		"stopping": func(w *wizard) { working(w); w.press("ctrl+c", "y") },
		"stopped": func(w *wizard) {
			working(w)
			w.press("ctrl+c", "y")
			w.ends(running,
				provision.Plan{}, nil, stopped)
		},
		"log": func(w *wizard) {
			working(w)
			for i := range 30 {
				w.emits(0, logged("kernel line "+strings.Repeat("x", i*4)))
			}
			w.press("l")
		},
		"search": func(w *wizard) {
			working(w)
			w.emits(0, logged("here it is"))
			w.press("l", "/", "i", "s", " ", "s", "enter", "/")
			for range 50 {
				w.press("x")
			}
		},
		"help": func(w *wizard) { working(w); w.press("?") },
		"failure": func(w *wizard) {
			working(w)
			w.emits(0, stepped(2, firstPlan.Steps[1], provision.StepFailed, 12*time.Second))
			w.ends(running, provision.Plan{}, nil, broken)
		},
		"backup": func(w *wizard) {
			w.ends(planning, provision.Plan{VM: "substrate", Unseen: true, Steps: []provision.Step{placeBack}}, nil,
				nil)
		},
		"rolled-back": func(w *wizard) {
			scenes["kept"](w)
			w.press("m", "B")
			w.previews(restorePlan)
			w.types("substrate")
			w.press("enter")
			backup := provision.Step{ID: provision.StepRestoreDisplace, Title: "back up the VM"}
			w.emits(0, stepped(1, backup, provision.StepDone, time.Second),
				stepped(2, placeBack, provision.StepDone, time.Second))
			w.ends(restoring, provision.Plan{}, nil, stopped)
		},
		"verifying": func(w *wizard) {
			w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
			w.emits(2 * time.Second)
		},
		"health": func(w *wizard) {
			w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
			w.ends(verifying, provision.Plan{}, healthy(), nil)
		},
		"unhealthy": func(w *wizard) {
			w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
			w.ends(verifying, provision.Plan{}, unhealthy(), notReady)
		},
	}
}

func working(w *wizard) {
	w.ends(planning, firstPlan, nil, nil)
	w.press("enter")
	w.emits(time.Second, checked(checks.OK, "Lima", "2.1.4", "", ""), planned(firstPlan),
		stepped(1, firstPlan.Steps[0], provision.StepRunning, 0))
	w.emits(0, stepped(1, firstPlan.Steps[0], provision.StepDone, 900*time.Millisecond))
	w.emits(12*time.Second, stepped(2, firstPlan.Steps[1], provision.StepRunning, 0),
		logged("The essential requirement 1 of 2 is satisfied"))
}
