package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// A run has one list of steps, which package provision keeps: those that were agreed to, in their order and with their
// numbers. What turns out not to be needed is crossed out in its place, and what comes on top is appended.

// lasted is how long a step has taken so far, or took.
func (f *facts) lasted(step *provision.StepProgress) time.Duration {
	if step.State == provision.StepRunning {
		return max(step.Elapsed, f.now.Sub(step.Began))
	}
	return step.Elapsed
}

// proving reports whether all steps are done, and access is being verified.
func (f *facts) proving() bool {
	p := &f.progress
	return f.call != idle && p.Begun() && p.Count(provision.StepPending) == 0 && p.Current() == nil
}

// plannedSteps writes the steps of a plan, one line each: number, words, time. A reason is there where it differs, and
// where there is room. Where there is too little for the rest, small steps that follow each other share a line.
func plannedSteps(plan provision.Plan, t *text) {
	if len(plan.Steps) == 0 {
		return
	}
	heading := plaintext.Count(len(plan.Steps), "step")
	if usual := plan.Usual(); usual > 0 {
		heading += ", about " + plaintext.About(usual)
	}
	common := commonReason(plan)
	hint := when(common != "", "(new VM: all are needed)")
	if t.fold > 0 && (t.fold > 1 || common == "") {
		hint = t.folded()
	}
	t.section(heading, hint)
	reason := common
	for i := 0; i < len(plan.Steps); i++ {
		step := plan.Steps[i]
		if small := smallSteps(plan.Steps[i:]); t.fold > 1 && small > 1 {
			sharedLine(plan.Steps[i:i+small], i+1).write(t)
			i += small - 1
			continue
		}
		line := stepLine{title: step.Title, right: seconds(step.Usual), note: when(step.Conditional, "(if missing)")}
		digits := 3
		if t.fold > 1 { // of several steps
			digits = 5
		}
		line.number = fmt.Sprintf("%*d ", digits, cmp.Or(step.Number, i+1))
		line.alarm = when(step.Interrupts, "stops programs") + when(step.Destroys, "can't be undone")
		line.write(t)
		if t.fold == 0 && len(plan.Replace) == 0 && step.Reason != reason &&
			!(common != "" && step.ID == provision.StepCreate) {
			t.styled(t.dim, "      ", step.Reason)
			reason = cmp.Or(common, step.Reason)
		}
	}
}

// smallSteps counts the steps at the beginning of a list that are short, and alarm no one.
func smallSteps(steps []provision.Step) (n int) {
	const short = 5 * time.Second
	for n < len(steps) && steps[n].Usual < short && !steps[n].Interrupts && !steps[n].Destroys {
		n++
	}
	return n
}

// sharedLine is the line of several steps, the first of which has a number.
func sharedLine(steps []provision.Step, number int) stepLine {
	last := cmp.Or(steps[len(steps)-1].Number, number+len(steps)-1)
	number = cmp.Or(steps[0].Number, number)
	var titles []string
	var usual time.Duration
	for _, step := range steps {
		titles = append(titles, step.Title)
		usual += step.Usual
	}
	return stepLine{number: fmt.Sprintf("%5s ", fmt.Sprintf("%d-%d", number, last)),
		title: strings.Join(titles, "; "), right: seconds(usual), short: true}
}

// commonReason is the reason of most steps for a new VM, which needs no words on each line; empty for other plans.
func commonReason(plan provision.Plan) (common string) {
	if !plan.Creates() || plan.Existing != nil {
		return ""
	}
	count := map[string]int{}
	for _, step := range plan.Steps {
		if count[step.Reason]++; count[step.Reason] >= count[common] {
			common = step.Reason
		}
	}
	return common
}

// stepLine is a step in one line.
type stepLine struct {
	mark, number, title string
	note, alarm, right  string // at the right end
	style               lipgloss.Style
	short               bool // in one line, whatever the title
}

func (l stepLine) write(t *text) {
	right := t.dim.Render(l.right)
	roomy := t.width >= 50
	if roomy && l.note != "" {
		right = t.dim.Render(strings.TrimSpace(l.note + " " + l.right))
	}
	if roomy && l.alarm != "" {
		right = t.warn.Render("! "+l.alarm) + "  " + right
	}
	if !roomy && ansi.StringWidth(right) > 14 { // more than a time
		right = ""
	}
	prefix := l.mark + t.dim.Render(l.number)
	if l.short {
		l.title = t.cut(t.clean(l.title), t.width-ansi.StringWidth(prefix+right)-2)
	}
	t.row(l.style, prefix, l.title, right)
	if !roomy && l.alarm != "" {
		t.put("    "+t.warn.Render("!")+" ", l.alarm)
	}
}

// showList writes the list while it is worked on. What does not fit above and below the step that runs is folded.
func showList(f *facts, t *text, room int) {
	list := f.progress.Steps
	first, end := fold(len(list), focusOf(list), max(3, room))
	if first > 0 {
		t.styled(t.dim, t.mark(provision.OK)+"  ", fmt.Sprintf("%d earlier ones", first))
	}
	for i := range list[first:end] {
		showListed(f, t, &list[first+i])
	}
	if end < len(list) {
		t.styled(t.dim, t.due+"  ", fmt.Sprintf("%d more", len(list)-end))
	}
}

// focusOf is the step that runs, which may roll back one that failed; else the one that failed, or the next one.
func focusOf(list []provision.StepProgress) int {
	for _, state := range []provision.StepState{provision.StepRunning, provision.StepFailed, provision.StepPending} {
		at := slices.IndexFunc(list, func(step provision.StepProgress) bool { return step.State == state })
		if at >= 0 {
			return at
		}
	}
	return len(list) - 1
}

// fold returns the part of a list that fits into a number of lines, with the focus and what comes next, and a line for
// each end that is left out.
func fold(n, focus, room int) (first, end int) {
	if n <= room {
		return 0, n
	}
	first = min(max(0, focus-room/2), n-room)
	end = first + room
	if first > 0 {
		first++
	}
	if end < n {
		end--
	}
	return first, end
}

// showListed writes one step of the list.
func showListed(f *facts, t *text, step *provision.StepProgress) {
	line := stepLine{
		mark: t.due + " ", number: fmt.Sprintf("%2d ", step.Number), title: step.Title, style: lipgloss.NewStyle(),
		short: t.width < mediumText,
	}
	if step.Added {
		line.number = fmt.Sprintf("+%d ", step.Number)
	}
	running := step.State == provision.StepRunning && f.call != idle
	switch {
	case running:
		line.mark, line.style = t.spin(f.beats)+" ", t.strong
		line.right = clock(f.lasted(step)) + when(step.Usual > 0, " of ~"+plaintext.About(step.Usual))
		if line.short {
			line.right = strings.Replace(line.right, " of ~", "/", 1)
		}
	case step.State == provision.StepRunning:
		line.mark, line.right = t.warn.Render(t.dot)+" ", "stopped after "+took(f.lasted(step))
	case step.State == provision.StepDone:
		line.mark, line.right = t.mark(provision.OK)+" ", took(step.Elapsed)
	case step.State == provision.StepFailed:
		line.mark, line.right = t.mark(provision.Failed)+" ", "failed after "+took(step.Elapsed)
	case step.State == provision.StepSkipped:
		line.mark, line.right, line.style = t.mark(provision.Skipped)+" ", "(not needed)", t.dim.Strikethrough(true)
	default:
		line.style, line.right, line.note = t.dim, seconds(step.Usual), when(step.Conditional, "(if missing)")
	}
	line.write(t)
	if step.Added {
		t.styled(t.dim, "     ", "added: "+step.Reason)
	}
	if running {
		showPhases(f, t, step)
		t.focus = len(t.lines) - 1
	}
}
