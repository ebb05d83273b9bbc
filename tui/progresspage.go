package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// progressPage shows the steps while they run, and the verification.
type progressPage struct{}

func (progressPage) title() string { return "Progress" }

func (progressPage) offers(f *facts) []offer {
	words := "stop"
	if f.stopping {
		words = "leave without waiting"
	}
	return []offer{offerLog, {keyStop, words, (*model).askToStop}}
}

func (progressPage) body(f *facts, t *text) {
	p := &f.progress
	if f.call == verifying {
		t.put(t.mark(provision.OK)+" ", "There is nothing to change.")
	} else {
		showPercent(f, t)
	}
	if f.stopping {
		t.put(t.warn.Render("!")+" ", "Stopping: waiting for the current step to end.")
	}
	t.blank()
	for i := range p.Steps {
		showProgress(f, t, &p.Steps[i])
	}
	if p.Current() == nil {
		t.put(t.spin(f.beats)+" ", betweenSteps(f)+" ("+clock(f.now.Sub(f.began))+" so far)")
		t.focus = len(t.lines) - 1
	}
}

// showPercent draws how much of the whole is done.
func showPercent(f *facts, t *text) {
	percent := f.progress.Percent(f.now)
	cells := max(8, min(t.width-24, 50))
	full := cells * percent / 100
	bar := t.good.Render(strings.Repeat(t.full, full)) + t.dim.Render(strings.Repeat(t.empty, cells-full))
	left := ""
	if d := f.progress.Left(f.now); d > 0 {
		left = ", about " + plaintext.About(d) + " left"
	}
	words := fmt.Sprintf(" %3d %%  %s%s", percent, clock(f.now.Sub(f.began)), left)
	t.lines = append(t.lines, t.cut(bar+words, t.width))
}

func showProgress(f *facts, t *text, step *provision.StepProgress) {
	number := t.dim.Render(fmt.Sprintf("[%d/%d]", step.Number, len(f.progress.Steps))) + " "
	switch step.State {
	case provision.StepPending:
		t.styled(t.dim, t.dot+" ", join(step.Title, usually(step.Usual), when(step.Added, "added: "+step.Reason),
			when(step.Conditional, "skipped if not needed")))
	case provision.StepSkipped:
		t.styled(t.dim, "- ", fmt.Sprintf("[%d/%d] %s (not needed: %s)", step.Number, len(f.progress.Steps),
			step.Title, step.Reason))
	case provision.StepDone:
		t.put(t.mark(provision.OK)+" "+number, step.Title+", "+plaintext.Duration(step.Elapsed))
	case provision.StepFailed:
		t.put(t.mark(provision.Failed)+" "+number, step.Title+": failed after "+plaintext.Duration(step.Elapsed))
	default:
		t.put(t.spin(f.beats)+" "+number, join(step.Title+": "+clock(f.now.Sub(step.Began)), usually(step.Usual)))
		t.styled(t.dim, "    ", step.Reason)
		showPhases(f, t, step)
		showLastLine(f, t)
		t.focus = len(t.lines) - 1
	}
}

// showPhases writes how far a long step has come.
func showPhases(f *facts, t *text, step *provision.StepProgress) {
	for i, phase := range step.Phases {
		if i+1 < len(step.Phases) {
			took := plaintext.Duration(step.Phases[i+1].Began.Sub(phase.Began))
			t.styled(t.dim, "    "+t.mark(provision.OK)+" ", phase.Name+", "+took)
		} else {
			t.put("    "+t.spin(f.beats)+" ", phase.Name+": "+clock(f.now.Sub(phase.Began)))
		}
	}
	if step.Transfer != nil {
		t.put("    "+t.dot+" ", transferred(*step.Transfer))
	}
}

// transferred describes the progress of a download, its rate, and the time left.
func transferred(t provision.Transfer) string {
	words := plaintext.Bytes(t.Done)
	if t.Total > 0 {
		words += fmt.Sprintf(" of %s, %d %%", plaintext.Bytes(t.Total), 100*t.Done/t.Total)
	}
	if t.Rate > 0 {
		words += ", " + plaintext.Bytes(t.Rate) + "/s"
	}
	if t.Left > 0 {
		words += ", " + plaintext.Duration(t.Left.Round(time.Second)) + " left"
	}
	return words
}

// showLastLine writes the last line of a tool, and how old it is when the tool has fallen silent.
func showLastLine(f *facts, t *text) {
	const silence = 5 * time.Second
	if f.lastLine == "" {
		return
	}
	age := ""
	if silent := f.now.Sub(f.lastAt); silent >= silence {
		age = " (" + clock(silent) + " ago)"
	}
	t.lines = append(t.lines, t.cut("    > "+t.clean(f.lastLine), t.width-len(age))+t.dim.Render(age))
}

// betweenSteps describes the work while no step is running.
func betweenSteps(f *facts) string {
	p := &f.progress
	switch {
	case f.call == verifying, p.Begun() && p.Count(provision.StepPending) == 0:
		return "verifying access: connecting as those who are allowed, and as a user who must be refused"
	case p.Begun():
		return "checking what is left to do"
	case p.Message != "":
		return p.Message
	}
	return "checking the VM before the first change"
}
