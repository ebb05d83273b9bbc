package main

import (
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision"
)

// TestOneListInPlainLines: the plan is shown once. What is added to it, and what is not needed, is a line of its own.
func TestOneListInPlainLines(t *testing.T) {
	packages := provision.Step{ID: provision.StepPackages, Title: "install packages", Number: 1, Conditional: true}
	start := provision.Step{ID: provision.StepStart, Title: "start the VM", Reason: "it does not run", Number: 2}
	added := provision.Step{
		ID: provision.StepConnection, Title: "reconnect", Reason: "the group is new", Number: 3, Added: true,
		Usual: time.Second,
	}
	status := func(step provision.Step, state provision.StepState) provision.StepStatus {
		return provision.StepStatus{Number: step.Number, Of: 3, ID: step.ID, Title: step.Title, Reason: step.Reason,
			Added: step.Added, State: state, Elapsed: 20 * time.Second, Left: 95 * time.Second}
	}
	boots := func(step provision.Step) provision.Event {
		status := status(step, provision.StepRunning)
		status.Phase, status.Elapsed = "booting", time.Second
		return stepped(provision.EventProgress, "", status)
	}
	skipped := status(packages, provision.StepSkipped)
	skipped.Reason = "all of them are there"
	undo := status(added, provision.StepRunning)
	undo.Number, undo.Title, undo.Reason = 4, "start the old VM again", "it ran before"
	plan := func(steps ...provision.Step) provision.Event {
		return planned(provision.Plan{VM: "substrate", Steps: steps})
	}
	events := []provision.Event{
		{Type: provision.EventStarted}, plan(packages, start),
		stepped(provision.EventStep, "", status(start, provision.StepRunning)),
		stepped(provision.EventHeartbeat, "", status(start, provision.StepRunning)), boots(start), boots(start),
		stepped(provision.EventStep, "", status(start, provision.StepDone)),
		stepped(provision.EventStep, "", skipped), plan(added), plan(added),
		stepped(provision.EventStep, "", status(added, provision.StepRunning)),
		boots(added), stepped(provision.EventStep, "", undo), plan(),
		{Type: provision.EventStarted}, plan(start), // another run
	}
	for utf8, minus := range map[bool]string{true: "–", false: "-"} {
		var out strings.Builder
		face := newPlainFace(newLines(&out, utf8))
		for _, event := range number(events) {
			face.show(event)
		}
		for words, want := range map[string]int{
			"plan: 2 steps for the VM substrate": 1, "plan: 1 step for the VM substrate": 1, "plan: ": 2,
			minus + "  1. install packages (not needed: all of them are there)\n": 1,
			"+  3. reconnect (added: the group is new) (usually 1s)\n":            1,
			"+  4. start the old VM again (added: it ran before)\n":               1,
			"    booting\n": 2, // of both steps
			"still running after 20s; about 1 min 40 s left in total\n": 1,
		} {
			if have := strings.Count(out.String(), words); have != want {
				t.Errorf("%d times %q in\n%s", have, words, out.String())
			}
		}
	}
}
