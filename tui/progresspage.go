package tui

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// progressPage shows the steps while they run, and the verification.
type progressPage struct{}

func (progressPage) title() string { return "Run" }

func (progressPage) offers(f *facts) []offer {
	words := "stop"
	if f.stopping {
		words = "leave without waiting"
	}
	return []offer{offerLog, {keyStop, words, (*model).askToStop}}
}

func (progressPage) body(f *facts, t *text) {
	if f.call == verifying {
		t.put(t.mark(provision.OK)+" ", "There is nothing to change.")
	} else {
		showBar(f, t)
	}
	if f.stopping {
		t.put(t.warn.Render("!")+" ", "Stopping: waiting for the current step to end.")
	}
	t.blank()
	steps := func(t *text) {
		room := t.room() - 2 // below the step that runs there are its phases
		if f.progress.Current() == nil {
			room = t.room() - 1
		}
		showList(f, t, room)
		if f.progress.Current() == nil {
			t.row(lipgloss.NewStyle(), t.spin(f.beats)+" ", betweenSteps(f), "")
			t.focus = len(t.lines) - 1
		}
	}
	if t.wide() {
		t.columns(60, steps, func(t *text) { showTail(f, t, t.height) })
		return
	}
	steps(t)
	const few, enough = 3, 8
	if room := t.room() - 1; room >= few {
		t.blank()
		showTail(f, t, min(room, enough))
	} else {
		showLastLine(f, t)
	}
}

// showBar draws how much of the whole is done, and how long the rest takes. Only the proof fills it.
func showBar(f *facts, t *text) {
	words := fmt.Sprintf(" %3d %%", f.progress.Percent(f.now))
	times := clock(f.now.Sub(f.began))
	if rest := f.progress.Left(f.now); rest > 0 {
		times += " " + t.dot + " about " + plaintext.About(rest) + " left"
	}
	cells := min(t.width-ansi.StringWidth(words+times)-5, 60)
	below := cells < 12
	if below {
		cells = t.width - ansi.StringWidth(words)
	}
	full := cells * f.progress.Percent(f.now) / 100
	bar := t.accent.Render(strings.Repeat(t.full, full)) + t.dim.Render(strings.Repeat(t.empty, cells-full)) + words
	if below {
		t.lines = append(t.lines, bar, t.cut(times, t.width))
		return
	}
	t.lines = append(t.lines, bar+" "+t.dot+" "+times)
}

// showPhases writes how far a long step has come, in one line.
func showPhases(f *facts, t *text, step *provision.StepProgress) {
	var phases []string
	for i, phase := range step.Phases {
		if i+1 < len(step.Phases) {
			phases = append(phases, phase.Name+" "+t.glyph(provision.OK))
		} else {
			phases = append(phases, phase.Name+t.more+" "+clock(f.now.Sub(phase.Began)))
		}
	}
	few := 3 // the others are past
	if t.width < mediumText {
		few = 1
	}
	phases = phases[max(0, len(phases)-few):]
	if step.Transfer != nil {
		phases = append(phases[:0], transferred(*step.Transfer))
	}
	if len(phases) > 0 {
		t.styled(t.dim, "     ", strings.Join(phases, " "+t.dot+" "))
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
		words += ", about " + plaintext.About(t.Left) + " left"
	}
	return words
}

// showLastLine writes the last line of a tool, and how old it is when the tool has fallen silent.
func showLastLine(f *facts, t *text) {
	if f.lastLine != "" {
		age := silence(f)
		t.lines = append(t.lines, t.dim.Render(t.cut("> "+t.clean(f.lastLine), t.width-len(age))+age))
	}
}

// silence is how long no tool has written anything; empty while that is nothing unusual.
func silence(f *facts) string {
	const unusual = 5 * time.Second
	if silent := f.now.Sub(f.lastAt); silent >= unusual && f.lastLine != "" {
		return " (" + ago(silent) + ")"
	}
	return ""
}

// showTail writes the end of the log.
func showTail(f *facts, t *text, room int) {
	end := f.log.end()
	for n := max(f.log.lost, end-max(0, room)); n < end; n++ {
		line, age := f.log.line(n), ""
		if n == end-1 {
			age = silence(f)
		}
		t.lines = append(t.lines, t.dim.Render(t.cut(line, t.width-len(age))+age))
	}
}

// betweenSteps describes the work while no step is running.
func betweenSteps(f *facts) string {
	p := &f.progress
	switch {
	case f.call == verifying, f.proving():
		return "verifying access: connecting as everyone who is allowed, and as one user who is not"
	case p.Begun():
		return "checking what is left to do"
	case p.Message != "":
		return p.Message
	}
	return "checking the VM before the first change"
}
