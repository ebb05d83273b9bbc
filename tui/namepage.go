package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// namePage asks for consent to a plan that destroys. It starts on no: only the VM's name, typed, is a yes.
type namePage struct {
	input textinput.Model
	wrong string // what was typed and is not the name
}

func (namePage) title() string { return "Replace?" }

func (namePage) offers(*facts) []offer {
	return []offer{{drop, "no, leave it"}, {confirm, "replace, once the name is typed"}}
}

func (namePage) writing() bool { return true }

func (p namePage) write(msg tea.Msg) page {
	p.input, _ = p.input.Update(msg)
	p.wrong = ""
	return p
}

// typed is the name that was typed.
func (p namePage) typed() string { return strings.TrimSpace(p.input.Value()) }

func (p namePage) body(f *facts, t *text) {
	t.styled(t.strong, "", "Replace the VM "+f.plan.VM+"?")
	fate(f, t)
	t.blank()
	t.put("", "To go ahead, type the name of the VM, "+f.plan.VM+", and press enter. Esc leaves it as it is.")
	t.typed("> ", p.input)
	if p.wrong != "" {
		t.put(t.mark(provision.Failed)+" ", p.wrong+" is not its name. Nothing has been changed.")
		t.focus = len(t.lines) - 1
	}
}

// fate says what goes away with a VM, and what is kept.
func fate(f *facts, t *text) {
	lost, kept := Fate(f.plan)
	t.blank()
	t.put(t.warn.Render("! goes away:")+" ", lost)
	t.put(t.mark(provision.OK)+" kept: ", kept)
}

// gone says whether a VM is removed for good.
func gone(plan provision.Plan) bool {
	return slices.ContainsFunc(plan.Steps, func(s provision.Step) bool { return s.Destroys })
}

// Fate says what is lost when a plan that destroys is carried out, and what is kept.
func Fate(plan provision.Plan) (lost, kept string) {
	e := plan.Existing
	lost = "the disk of the VM with everything that is only there: installed programs, containers, files outside of the mounts"
	kept = "the project"
	if e != nil && e.DiskUsed > 0 {
		lost += " (" + plaintext.Bytes(e.DiskUsed) + ")"
	}
	if e != nil && e.Project != "" {
		kept += " " + e.Project
	}
	kept += " and your home directory, which are on this machine"
	switch {
	case len(plan.Replace) > 0 && !gone(plan):
		lost = "nothing: the old VM is kept, stopped and under another name, for `worldsetup restore`"
	case len(plan.Replace) > 0:
		kept += ". The old VM is kept until the new one answers, and put back if it never does"
	}
	return lost, kept
}
