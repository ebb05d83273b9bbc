package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// planCommand returns the command that plans and changes nothing.
func (a *app) planCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "plan [PROJECT]", Short: "print what would change and why; change nothing", Args: atMostOneProject,
		Example: examples("worldsetup plan", "worldsetup plan --size dev ~/src/app", "worldsetup plan --json"),
	}
	return a.withOptions(command, &inputs{options: runOptions(), unused: []string{"allow"}}, a.plan)
}

// planObject is the JSON form of a plan on its own.
type planObject struct {
	Schema int `json:"schema"`
	provision.Plan
	Settings []value          `json:"settings"`
	Error    *provision.Error `json:"error,omitempty"` // the prerequisite that failed
}

func (a *app) plan(ctx context.Context, c invocation) error {
	a.noteTrust(c)
	plan, err := a.engine(provision.Setup{Spec: c.spec}).Plan(ctx)
	missing := provision.AsError(err)
	switch {
	case missing == nil:
	case missing.Kind != provision.KindPrerequisite:
		return err
	case plan.VM == "": // there is no plan
		if a.json == nil {
			a.stdout().drawn("VM ", a.stdout().clean(c.spec.VM), ": its state is unknown")
		}
		return err
	}
	var lacks []provision.Finding
	if missing != nil {
		lacks = missing.Lacks
	}
	if err = plan.Err(); err != nil {
		missing = nil
	}
	if a.json != nil {
		if plan.Steps == nil {
			plan.Steps = []provision.Step{} // for readers that count them
		}
		a.json.result(planObject{
			Schema: provision.Schema, Plan: plan, Settings: sources(c.spec, c.values, plan), Error: missing,
		})
		return err
	}
	to := a.stdout()
	showExisting(to, plan)
	showLacks(to, lacks, "a run would end before its first step, since this machine lacks what it needs:", a.verbose)
	showGets(to, plan)
	showPlan(to, plan, "nothing to change")
	showSources(to, sources(c.spec, c.values, plan))
	return err
}

// showExisting shows what there is now.
func showExisting(to *lines, plan provision.Plan) {
	state := "no VM"
	if plan.Existing != nil {
		state = plan.Existing.Status
		if plan.Existing.LastSeen != nil {
			state += ", " + plan.Existing.LastSeen.String()
		}
	}
	to.drawn("VM ", to.paint(strongTone, plan.VM), ": ", to.clean(state))
}

// showPlan shows the steps of a plan with their reasons, or the text for an empty one.
func showPlan(to *lines, plan provision.Plan, empty string) {
	switch {
	case plan.Blocked != nil:
		to.printf("plan: not possible: %s", plan.Blocked.What)
	case len(plan.Replace) > 0 && len(plan.Steps) == 0:
		to.printf("plan: none; the VM %s would have to be replaced:", plan.VM)
		for _, reason := range plan.Replace {
			to.printf("  - %s", reason)
		}
	case len(plan.Steps) == 0:
		to.printf("plan: %s", empty)
	default:
		showSteps(to, plan)
	}
	if plan.HomeLeftOut {
		to.printf("  your home directory is left out of the VM")
	}
	showOpens(to, plan.Opens)
	for _, one := range plan.Unrepaired {
		to.put("  left to you: ", "    ", one.Why)
		to.advise("    next: ", "          ", one.Next)
	}
	if plan.Unseen {
		to.printf("  more may follow: the guest can be observed only while the VM is running")
	}
}

// showOpens shows what a profile opens on this machine.
func showOpens(to *lines, opens []string) {
	if len(opens) > 0 {
		to.printf("  opened on this machine:")
	}
	for _, one := range opens {
		to.put("  - ", "    ", one)
	}
}

func showSteps(to *lines, plan provision.Plan) {
	to.drawn(to.paint(strongTone, "plan: "+plaintext.Count(len(plan.Steps), "step")), to.clean(" for the VM "+plan.VM),
		to.paint(dimTone, usually(plan.Usual())))
	for i, step := range plan.Steps {
		showStep(to, i+1, step)
	}
	to.put("  disruption: ", "              ", disruptions[plan.Disruption()])
}

func showStep(to *lines, number int, step provision.Step) {
	destroys, effects := "", ""
	if step.Interrupts {
		effects += "; stops the programs in the VM"
	}
	if step.Destroys {
		destroys = "; " + to.paint(badTone, "DESTROYS a VM and all that is in it")
	}
	if step.Conditional {
		effects += "; skipped if not needed"
	}
	to.drawn(fmt.Sprintf("  %2d. ", number), oneLine(to, step.Title+because(step.Reason)), effects, destroys,
		to.paint(dimTone, usually(step.Usual)))
}

// disruptions describe how a repair affects the programs in the VM.
var disruptions = map[provision.Disruption]string{
	provision.DisruptionLive:       "none: running programs continue",
	provision.DisruptionUnit:       "the agent restarts",
	provision.DisruptionConnection: "Lima reconnects; mounts and running programs continue",
	provision.DisruptionRestart:    "the VM restarts",
	provision.DisruptionForce:      "the VM is powered off and started again",
	provision.DisruptionReplace:    "the VM must be replaced",
}

// because appends a reason.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + strings.TrimSuffix(reason, ".")
}

// usually appends a typical duration; nothing for an unknown one.
func usually(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return " (usually " + plaintext.Duration(d) + ")"
}
