package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/provision"
)

// header shows the program, the stages, and the states of the run and of the VM: as much of that as there is room for.
func (m *model) header(l layout) string {
	banner, name := "", m.theme.strong.Render("worldsetup")
	if m.options.Banner != "" {
		banner = m.theme.banner.Render(" "+m.theme.clean(m.options.Banner)+" ") + " "
	}
	page := m.theme.accent.Render(m.front().title())
	lefts := []string{banner + name + " " + m.theme.dot + " " + page, banner + page}
	if m.over == nil {
		if stages := m.stages(); stages != "" {
			lefts = append([]string{banner + name + "  " + stages, banner + stages}, lefts...)
		}
	}
	rights := m.states()
	for _, left := range lefts {
		for _, right := range rights {
			if gap := l.width - 2 - ansi.StringWidth(left+right); gap >= 2 {
				return " " + left + strings.Repeat(" ", gap) + right + " "
			}
		}
	}
	return ansi.Truncate(" "+lefts[len(lefts)-1], l.width, "")
}

// states are those of the agent, the run and the VM, the best first: what can be left out is left out in the others.
func (m *model) states() (states []string) {
	f, t := &m.facts, m.theme
	probe := ""
	if f.probe() {
		probe = t.warn.Render("PROBE") + "  "
	}
	run := m.runState()
	vm := "VM " + t.clean(m.options.VM)
	state := f.vmState()
	if state != "" {
		state = ": " + state
	}
	full := probe + vm + state
	if run != "" {
		named := run
		if f.call != watching { // which is none
			named = "run: " + run
		}
		full = probe + named + "  " + vm + state
		states = append(states, full, probe+named, probe+run)
	} else {
		states = append(states, full)
		if state != "" {
			states = append(states, probe+"VM"+state)
		}
	}
	return append(states, strings.TrimSpace(probe))
}

// probe reports whether the agent is the built-in one, as far as is known.
func (f *facts) probe() bool {
	if h := f.health; h != nil && (h.Agent.SHA256 != "" || h.Agent.Version != "") {
		return h.Agent.Probe
	}
	return f.plan.Gets != nil && f.plan.Gets.Probe
}

// runState is the state of the run, in a word; empty when the stages show it.
func (m *model) runState() string {
	f, t := &m.facts, m.theme
	switch {
	case f.stopping:
		return t.warn.Render("stopping")
	case f.call == watching:
		return t.good.Render("watching")
	case f.call != idle:
		return ""
	case f.failure != nil && f.failure.Kind == provision.KindInterrupted:
		return t.warn.Render("stopped")
	case f.progress.Begun() && f.failure != nil:
		return t.bad.Render("failed")
	}
	return ""
}

// vmState is the state of the VM, in a word; empty when it is not known.
func (f *facts) vmState() string {
	switch {
	case f.removed:
		return "none"
	case f.health != nil && f.health.Instance == "absent":
		return "none"
	case f.health != nil:
		return f.health.Instance
	case f.call == planning, f.plan.VM == "":
		return ""
	}
	state := "none"
	if f.plan.Existing != nil {
		state = f.plan.Existing.Status
	}
	for i := range f.progress.Steps {
		state = stateAfter(state, &f.progress.Steps[i])
	}
	return state
}

// stateAfter is the state of the VM of that name after a step, or during it.
func stateAfter(state string, step *provision.StepProgress) string {
	during, after := "", state
	switch step.ID {
	case provision.StepCreate:
		during, after = "being created", "stopped"
	case provision.StepStart, provision.StepRestoreStart, provision.StepRollbackStart:
		during, after = "booting", "running"
	case provision.StepStop, provision.StepReplaceStop, provision.StepRestoreStop:
		during, after = "stopping", "stopped"
	case provision.StepReplaceBackup, provision.StepReplacePlace, provision.StepRestoreDisplace,
		provision.StepRestorePlace, provision.StepRollbackDisplace, provision.StepRollbackPlace:
		during, after = "renamed", "stopped"
	case provision.StepRemoveVM:
		during, after = "being removed", "none"
	}
	switch {
	case step.State == provision.StepPending, step.State == provision.StepSkipped:
		return state
	case step.State == provision.StepDone:
		return after
	case during == "":
		return state
	case step.State == provision.StepRunning:
		return during
	}
	return "" // it is unknown
}

// stages are the parts of a run, with marks for those that are past.
func (m *model) stages() string {
	f, t := &m.facts, m.theme
	names := []string{"Check", "Plan", "Run", "Verify"}
	at := 0
	switch m.page.(type) {
	case planPage:
		at = 1
	case progressPage:
		at = 2
		if f.call == verifying || f.proving() {
			at = 3
		}
	case healthPage:
		at = 4
	case failurePage:
		if at = 1; f.progress.Begun() {
			at = 2
		}
	case removedPage:
		return ""
	}
	for i, name := range names {
		switch {
		case i < at && i == 2 && !f.progress.Begun():
			names[i] = t.dim.Render(name + " " + t.glyph(provision.Skipped))
		case i < at && i == 3 && !f.ready:
			names[i] = name + " " + t.mark(provision.Failed)
		case i < at:
			names[i] = name + " " + t.mark(provision.OK)
		case i == at && f.call == idle && f.failure != nil && f.failure.Kind == provision.KindInterrupted:
			names[i] = t.accent.Render(name) + " " + t.warn.Render(t.dot) // a no is not an error
		case i == at && f.call == idle && f.failure != nil:
			names[i] = t.accent.Render(name) + " " + t.mark(provision.Failed)
		case i == at:
			names[i] = t.accent.Render(name)
		default:
			names[i] = t.dim.Render(name)
		}
	}
	return strings.Join(names, t.dim.Render(" "+t.then+" "))
}
