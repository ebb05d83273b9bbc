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
			w.tells(3*time.Second, checked(checks.OK, "Lima", "2.1.4", nil), checked(checks.Omitted, "virtualization", "macOS only", nil))
		},
		"prerequisites": func(w *wizard) {
			w.tells(time.Second, checked(checks.OK, "ssh client", "OpenSSH 9.6", nil),
				checked(checks.Failed, "Lima", "not installed", &checks.Problem{What: "Lima is not installed", Why: "there is no limactl in PATH", Next: "brew install lima"}),
				checked(checks.Skipped, "QEMU", "waits for Lima", nil))
			w.ends(planning, provision.Plan{}, nil, missing)
		},
		"plan": func(w *wizard) {
			w.tells(time.Second, checked(checks.Warning, "free space", "21 GiB", &checks.Problem{Why: "the plan needs 20 GiB", Next: "make room"}))
			w.ends(planning, firstPlan, nil, nil)
		},
		"plan-interrupts": func(w *wizard) { w.ends(planning, repairPlan, nil, nil) },
		"plan-replace": func(w *wizard) {
			w.ends(planning, replacePlan(nil), nil, nil)
			w.ends(planning, replacePlan(replaceSteps), nil, nil)
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
		"bring-back": func(w *wizard) {
			scenes["kept"](w)
			w.press("B")
			w.foresees(restorePlan)
			w.types("sub")
		},
		"remove": func(w *wizard) {
			scenes["kept"](w)
			w.press("D")
			w.foresees(removalPlan)
		},
		"removed": func(w *wizard) {
			scenes["remove"](w)
			w.types("substrate")
			w.press("enter")
			w.tells(time.Second, stepped(1, removalPlan.Steps[1], provision.StepDone, time.Second))
			w.ends(removing, provision.Plan{}, nil, nil)
		},
		"kept": func(w *wizard) { w.ends(planning, keptPlan, nil, nil) },
		"choices": func(w *wizard) {
			scenes["plan"](w)
			w.press("c")
			w.judges(nil)
		},
		"choices-custom": func(w *wizard) {
			scenes["choices"](w)
			w.press("down", "right", "down")
			w.types("/tmp/agent")
			w.press("down", "right", "right", "right", "down")
			w.types("0")
			w.judges(provision.Validation{provision.FieldAgent: {Wrong: true, Text: "/tmp/agent: no such file"}, provision.FieldCPUs: {Wrong: true, Text: "0 is no number of processors"}})
		},
		"fix": func(w *wizard) {
			w.tells(time.Second, fixableCheck)
			w.ends(planning, provision.Plan{}, nil, missing)
			w.press("f")
		},
		"watching": func(w *wizard) {
			scenes["health"](w)
			w.press("w")
			w.model.worker.mailbox.report(*unhealthy())
			w.tells(0)
			w.tells(7 * time.Second)
		},
		"watching-unsure": func(w *wizard) {
			scenes["health"](w)
			w.press("w")
			w.model.worker.mailbox.report(provision.Health{Schema: provision.Schema, VM: "substrate", Instance: "unknown", Items: []provision.Item{
				{ID: provision.ItemLook, Title: "world", Outcome: provision.Unknown, Found: "something changed, and is being looked at"},
			}})
			w.tells(0)
		},
		"exported": func(w *wizard) {
			scenes["health"](w)
			w.model.Update(exportedMsg{path: "/home/ada/.local/state/worldsetup/substrate-health.json"})
		},
		"phases": func(w *wizard) {
			atWork(w)
			for _, phase := range []string{"starting the driver", "driver up", "kernel output", "ssh port accepts"} {
				w.tells(2*time.Second, progressed(phase, nil))
			}
			w.tells(6*time.Second, progressed("ssh port accepts", &provision.Transfer{Done: 300 << 20, Total: 600 << 20, Rate: 9 << 20, Left: 33 * time.Second}))
		},
		"plan-blocked": func(w *wizard) {
			w.ends(planning, provision.Plan{VM: "substrate", Blocked: &provision.Error{Kind: provision.KindUsage, What: "there is no agent to install", Next: "give one: --agent FILE"}}, nil, nil)
		},
		"progress": atWork,
		"stop":     func(w *wizard) { atWork(w); w.press("ctrl+c") },
		"stopping": func(w *wizard) { atWork(w); w.press("ctrl+c", "y") },
		"stopped":  func(w *wizard) { atWork(w); w.press("ctrl+c", "y"); w.ends(running, provision.Plan{}, nil, stopped) },
		"log": func(w *wizard) {
			atWork(w)
			for i := range 30 {
				w.tells(0, said("kernel line "+strings.Repeat("x", i*4)))
			}
			w.press("l")
		},
		"search": func(w *wizard) {
			atWork(w)
			w.tells(0, said("here it is"))
			w.press("l", "/", "i", "s", " ", "s", "enter", "/")
			for range 50 {
				w.press("x")
			}
		},
		"help": func(w *wizard) { atWork(w); w.press("?") },
		"failure": func(w *wizard) {
			atWork(w)
			w.tells(0, stepped(2, firstPlan.Steps[1], provision.StepFailed, 12*time.Second))
			w.ends(running, provision.Plan{}, nil, broken)
		},
		"aside": func(w *wizard) {
			w.ends(planning, provision.Plan{VM: "substrate", Unseen: true, Steps: []provision.Step{undoPlace}}, nil, nil)
		},
		"undone": func(w *wizard) {
			scenes["kept"](w)
			w.press("B")
			w.foresees(restorePlan)
			w.types("substrate")
			w.press("enter")
			aside := provision.Step{ID: provision.StepRestoreAside, Title: "put the VM aside"}
			w.tells(0, stepped(1, aside, provision.StepDone, time.Second), stepped(2, undoPlace, provision.StepDone, time.Second))
			w.ends(restoring, provision.Plan{}, nil, stopped)
		},
		"proving": func(w *wizard) { w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil); w.tells(2 * time.Second) },
		"health": func(w *wizard) {
			w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
			w.ends(proving, provision.Plan{}, healthy(), nil)
		},
		"unhealthy": func(w *wizard) {
			w.ends(planning, provision.Plan{VM: "substrate"}, nil, nil)
			w.ends(proving, provision.Plan{}, unhealthy(), notReady)
		},
	}
}

func atWork(w *wizard) {
	w.ends(planning, firstPlan, nil, nil)
	w.press("enter")
	w.tells(time.Second, checked(checks.OK, "Lima", "2.1.4", nil), planned(firstPlan), stepped(1, firstPlan.Steps[0], provision.StepRunning, 0))
	w.tells(0, stepped(1, firstPlan.Steps[0], provision.StepDone, 900*time.Millisecond))
	w.tells(12*time.Second, stepped(2, firstPlan.Steps[1], provision.StepRunning, 0), said("The essential requirement 1 of 2 is satisfied"))
}
