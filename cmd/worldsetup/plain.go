package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// plainFace tells events in lines of words: for pipes, logs, and readers of all kinds.
type plainFace struct {
	*lines
	checked, troubled int  // prerequisites since the last summary
	planned           bool // a plan was shown
	phase             string
	last              time.Duration // into the step, when it was last said that it goes on
	told              func(checks.Problem)
}

func newPlainFace(to *lines) *plainFace { return &plainFace{lines: to, told: func(checks.Problem) {}} }

func (f *plainFace) show(event provision.Event) {
	if event.Type != provision.EventCheck {
		f.sumUpChecks()
	}
	switch event.Type {
	case provision.EventStarted:
		f.printf("worldsetup: %s", event.Message)
	case provision.EventWaiting:
		f.printf("waiting: %s", event.Message)
	case provision.EventCheck:
		f.check(*event.Check)
	case provision.EventPlan:
		f.plan(*event.Plan)
	case provision.EventStep:
		f.step(*event.Step)
	case provision.EventLog:
		f.put("    | ", "    | ", event.Message)
	case provision.EventHeartbeat, provision.EventProgress:
		f.progress(*event.Step)
	case provision.EventHealth:
		showHealth(f.lines, *event.Health)
	case provision.EventFinished:
		f.finished(*event.Result)
	}
}

// check shows a prerequisite only when it is worth a look.
func (f *plainFace) check(check checks.Result) {
	if check.Outcome == checks.Omitted || check.Outcome == checks.Pending {
		return
	}
	f.checked++
	switch check.Outcome {
	case provision.Warning, provision.Failed, provision.Unknown:
		f.troubled++
		showCheck(f.lines, check)
	}
	if check.Problem != nil {
		f.told(*check.Problem)
	}
}

func (f *plainFace) sumUpChecks() {
	switch {
	case f.checked > 0 && f.troubled == 0:
		f.printf("checked %s: all fine", count(f.checked, "prerequisite"))
	case f.checked > 0:
		f.printf("checked %s: %d not fine", count(f.checked, "prerequisite"), f.troubled)
	}
	f.checked, f.troubled = 0, 0
}

// plan shows the first plan and what a later one adds; that nothing is left goes without saying.
func (f *plainFace) plan(plan provision.Plan) {
	if !f.planned || !plan.Empty() {
		showPlan(f.lines, plan, "nothing to change")
	}
	f.planned = true
}

func (f *plainFace) step(step provision.StepStatus) {
	place := fmt.Sprintf("[%d/%d]", step.Number, step.Of)
	f.last = 0
	switch step.State {
	case provision.StepRunning:
		f.printf("%s %s%s%s", place, step.Title, because(step.Reason), usually(step.Usual))
	case provision.StepDone:
		f.printf("%s done: %s (%s)", place, step.Title, plaintext.Duration(step.Elapsed))
	case provision.StepFailed:
		f.printf("%s failed: %s (%s)", place, step.Title, plaintext.Duration(step.Elapsed))
	}
}

// atLeastEvery is how often it is said that a step still goes on.
const atLeastEvery = 10 * time.Second

// progress says how far a step has come: each phase once, and from time to time that it goes on.
func (f *plainFace) progress(step provision.StepStatus) {
	if step.Phase != f.phase && step.Phase != "" {
		f.phase, f.last = step.Phase, step.Elapsed
		f.printf("    %s", step.Phase)
		return
	}
	if step.Elapsed-f.last < atLeastEvery {
		return
	}
	f.last = step.Elapsed
	fetched := ""
	if step.Transfer != nil {
		fetched = ", " + plaintext.Bytes(step.Transfer.Done) + " fetched"
	}
	f.printf("    still at it, %s so far%s%s", plaintext.Duration(step.Elapsed), fetched, usually(step.Usual))
}

func (f *plainFace) finished(result provision.Result) {
	switch {
	case !result.Changed && result.Ready:
		f.printf("ready: nothing had to be changed (%s)", plaintext.Duration(result.Elapsed))
	case result.Ready:
		f.printf("ready: %s done (%s)", count(result.Steps, "step"), plaintext.Duration(result.Elapsed))
	case result.Error == nil && !result.Changed:
		f.printf("done: there was nothing to do (%s)", plaintext.Duration(result.Elapsed))
	case result.Error == nil:
		f.printf("done: %s (%s)", count(result.Steps, "step"), plaintext.Duration(result.Elapsed))
	case !result.Changed:
		f.printf("not ready: nothing was changed (%s)", plaintext.Duration(result.Elapsed))
	default:
		f.printf("not ready: %s begun (%s)", count(result.Steps, "step"), plaintext.Duration(result.Elapsed))
	}
}

// because appends a reason.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + strings.TrimSuffix(reason, ".")
}

// count puts a number before a noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
