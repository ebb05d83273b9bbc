package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// progressPage shows what is being done, or proven.
type progressPage struct{}

func (progressPage) title() string { return "Progress" }

func (progressPage) offers(f *facts) []offer {
	if f.stopping {
		return []offer{{openLog, "log"}, {stop, "leave without waiting"}}
	}
	return []offer{{openLog, "log"}, {stop, "stop"}}
}

func (progressPage) body(f *facts, t *text) {
	s := &f.story
	if f.doing == proving {
		t.put(t.mark(provision.OK)+" ", "There is nothing to change.")
	} else {
		gauge(f, t)
	}
	if f.stopping {
		t.put(t.warn.Render("!")+" ", "Stopping: waiting for the end of what is under way.")
	}
	t.blank()
	for i := range s.steps {
		showStep(f, t, &s.steps[i])
	}
	between(f, t)
	for _, next := range s.pending {
		t.styled(t.dim, t.dot+" ", note(next.Title, usually(next.Usual), when(next.Conditional, "left out if not needed")))
	}
}

// gauge is how far the whole is.
func gauge(f *facts, t *text) {
	share := f.story.share(f.now)
	cells := max(8, min(t.width-24, 50))
	full := cells * share / 100
	line := t.good.Render(strings.Repeat(t.bar, full)) + t.dim.Render(strings.Repeat(t.rest, cells-full))
	t.lines = append(t.lines, line+fmt.Sprintf(" %3d %%  %s", share, ticking(f.now.Sub(f.began))))
}

func showStep(f *facts, t *text, step *step) {
	place := t.dim.Render(fmt.Sprintf("[%d/%d]", step.Number, step.Of)) + " "
	switch step.State {
	case provision.StepDone:
		t.put(t.mark(provision.OK)+" "+place, step.Title+", "+plaintext.Duration(step.Elapsed))
	case provision.StepFailed:
		t.put(t.mark(provision.Failed)+" "+place, step.Title+": failed after "+plaintext.Duration(step.Elapsed))
	default:
		t.put(t.spin(f.beats)+" "+place, note(step.Title+": "+ticking(f.now.Sub(step.begun)), usually(step.Usual)))
		t.styled(t.dim, "    ", step.Reason)
		inside(f, t, step)
		latest(f, t)
		t.focus = len(t.lines) - 1
	}
}

// inside says how far a step has come that takes long.
func inside(f *facts, t *text, step *step) {
	for i, phase := range step.phases {
		if i+1 < len(step.phases) {
			t.styled(t.dim, "    "+t.mark(provision.OK)+" ", phase.name+", "+plaintext.Duration(step.phases[i+1].begun.Sub(phase.begun)))
		} else {
			t.put("    "+t.spin(f.beats)+" ", phase.name+": "+ticking(f.now.Sub(phase.begun)))
		}
	}
	if step.Transfer != nil {
		t.put("    "+t.dot+" ", transfer(*step.Transfer))
	}
}

// transfer says how much has come, how fast, and how long it will take.
func transfer(t provision.Transfer) string {
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

// latest is what a tool said last, and how long ago that was when it has fallen silent.
func latest(f *facts, t *text) {
	if f.story.last == "" {
		return
	}
	const silence = 5 * time.Second
	ago := ""
	if silent := f.now.Sub(f.story.lastAt); silent >= silence {
		ago = " (" + ticking(silent) + " ago)"
	}
	t.lines = append(t.lines, t.cut("    > "+t.clean(f.story.last), t.width-len(ago))+t.dim.Render(ago))
}

// between says what is done when no step is.
func between(f *facts, t *text) {
	if f.story.current() != nil {
		return
	}
	doing := "looking at the VM before the first change"
	switch {
	case f.doing == proving:
		doing = "proving it: connecting as everybody who may, and as somebody who may not"
	case len(f.story.steps) > 0 && len(f.story.pending) == 0:
		doing = "looking and proving: connecting as everybody who may, and as somebody who may not"
	case len(f.story.steps) > 0:
		doing = "looking at what is left to do"
	case f.story.word != "":
		doing = f.story.word
	}
	t.put(t.spin(f.beats)+" ", doing+" (since the beginning: "+ticking(f.now.Sub(f.began))+")")
	t.focus = len(t.lines) - 1
}
