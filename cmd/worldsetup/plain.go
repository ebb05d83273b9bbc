package main

import (
	"fmt"
	"time"

	"github.com/atomize-hq/worldsetup/checks"
	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// face shows the events of a run: the plain and the JSON face. The third, the wizard, is package tui.
type face interface {
	show(provision.Event)
}

// face returns the one that the flags ask for. done is what the run is to make of the world, such as "ready".
func (a *app) face(done string) face {
	if a.json != nil {
		return a.json
	}
	f := newPlainFace(a.stdout())
	f.all, f.done = a.verbose, done
	return f
}

// plainFace shows events as lines of text: for pipes, logs, and screen readers.
type plainFace struct {
	*lines
	checked, notOK int // prerequisites since the last summary
	listed         int // steps of the run's list that were shown; -1 for no list yet
	phase          string
	last           time.Duration // into the step, of the last progress line
	all            bool          // fold nothing
	done           string        // what a run is to make of the world
}

func newPlainFace(to *lines) *plainFace { return &plainFace{lines: to, listed: -1, done: "ready"} }

func (f *plainFace) show(event provision.Event) {
	if event.Type != provision.EventCheck {
		f.sumUpChecks()
	}
	switch event.Type {
	case provision.EventStarted:
		f.listed = -1
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
		showHealth(f.lines, *event.Health, event.Time, f.all)
	case provision.EventFinished:
		f.finished(*event.Result)
	}
}

// check shows a prerequisite that is not ok, and counts the others.
func (f *plainFace) check(check checks.Result) {
	switch check.Outcome {
	case checks.Omitted, checks.Pending:
		return
	case provision.Failed: // the end of the run shows what to do
		f.notOK++
		f.drawn(f.mark(check.Outcome), " ", f.clean(check.Title), ": ", oneLine(f.lines, check.Found))
	case provision.Warning, provision.Unknown:
		f.notOK++
		showCheck(f.lines, check)
	default:
		if f.all {
			showCheck(f.lines, check)
		}
	}
	f.checked++
}

func (f *plainFace) sumUpChecks() {
	switch {
	case f.checked > 0 && f.notOK == 0:
		f.printf("checked %s: all ok", plaintext.Count(f.checked, "prerequisite"))
	case f.checked > 0:
		f.printf("checked %s: %d not ok", plaintext.Count(f.checked, "prerequisite"), f.notOK)
	}
	f.checked, f.notOK = 0, 0
}

// plan shows the first plan, and of later ones only what they add to it.
func (f *plainFace) plan(plan provision.Plan) {
	if f.listed < 0 || plan.Err() != nil {
		showPlan(f.lines, plan, "nothing to change")
		f.listed = len(plan.Steps)
		return
	}
	for _, step := range plan.Steps {
		if step.Number > f.listed {
			f.added(step.Number, step.Title, step.Reason, step.Usual)
		}
	}
}

// added shows a step that was added to the list.
func (f *plainFace) added(number int, title, reason string, usual time.Duration) {
	f.listed = number
	f.printf("+ %2d. %s (added%s)%s", number, title, because(reason), usually(usual))
}

func (f *plainFace) step(step provision.StepStatus) {
	place := fmt.Sprintf("[%d/%d]", step.Number, step.Of)
	switch step.State {
	case provision.StepSkipped:
		f.printf("%s %2d. %s (not needed%s)", f.minus(), step.Number, step.Title, because(step.Reason))
	case provision.StepRunning:
		f.phase, f.last = "", 0
		if step.Added && step.Number > f.listed { // no plan held it
			f.added(step.Number, step.Title, step.Reason, step.Usual)
		}
		f.printf("%s %s%s%s", place, step.Title, because(step.Reason), usually(step.Usual))
	case provision.StepDone:
		f.outcome(provision.OK, place+" done: "+step.Title, step.Elapsed)
	case provision.StepFailed:
		f.outcome(provision.Failed, place+" failed: "+step.Title, step.Elapsed)
	}
}

// outcome shows how something ended, and how long it took.
func (f *plainFace) outcome(outcome provision.Outcome, words string, took time.Duration) {
	f.drawn(f.mark(outcome), " ", f.clean(words), f.paint(dimTone, " ("+plaintext.Duration(took)+")"))
}

// minus marks what is crossed out.
func (f *plainFace) minus() string {
	if f.utf8 {
		return "–"
	}
	return "-"
}

// left appends how long the run still takes; nothing when that is unknown.
func left(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return "; about " + plaintext.About(d) + " left in total"
}

// progressEvery is the time between lines about the progress of a step.
const progressEvery = 10 * time.Second

// progress shows the progress of a step: each phase once, and from time to time that it is still running.
func (f *plainFace) progress(step provision.StepStatus) {
	if step.Phase != f.phase && step.Phase != "" {
		f.phase, f.last = step.Phase, step.Elapsed
		f.printf("    %s", step.Phase)
		return
	}
	if step.Elapsed-f.last < progressEvery {
		return
	}
	f.last = step.Elapsed
	downloaded := ""
	if step.Transfer != nil {
		downloaded = ", " + plaintext.Bytes(step.Transfer.Done) + " downloaded"
	}
	f.printf("    still running after %s%s%s%s", plaintext.Duration(step.Elapsed), downloaded, usually(step.Usual),
		left(step.Left))
}

func (f *plainFace) finished(result provision.Result) {
	steps := plaintext.Count(result.Steps, "step")
	switch {
	case result.Error != nil && provision.IsDeclined(result.Error): // that is shown at the end
	case !result.Changed && result.Ready:
		f.outcome(provision.OK, "ready: nothing to change", result.Elapsed)
	case result.Ready:
		f.outcome(provision.OK, "ready: "+steps+" done", result.Elapsed)
	case result.Error == nil && !result.Changed:
		f.outcome(provision.OK, "done: nothing to do", result.Elapsed)
	case result.Error == nil:
		f.outcome(provision.OK, "done: "+steps, result.Elapsed)
	case !result.Changed:
		f.outcome(provision.Failed, "not "+f.done+": nothing was changed", result.Elapsed)
	default:
		f.outcome(provision.Failed, "not "+f.done+": "+steps+" begun", result.Elapsed)
	}
}
