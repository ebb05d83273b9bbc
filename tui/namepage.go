package tui

import (
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// namePage asks for consent to what destroys. It starts on no: only the VM's name, typed, is a yes.
type namePage struct {
	about call
	plan  *provision.Plan // what would be done; nil while that is being found out
	input textinput.Model
	wrong string // what was typed and is not the name
}

// destroying are the words for what destroys.
var destroying = map[call]struct{ title, question, verb string }{
	running:   {"Replace?", "Replace the VM ", "replace"},
	restoring: {"Bring back?", "Bring the kept VM back, in the place of the VM ", "restore"},
	removing:  {"Remove?", "Remove the world in the VM ", "remove"},
}

func (p namePage) title() string { return destroying[p.about].title }

func (p namePage) offers(*facts) []offer {
	return []offer{{drop, "no, leave it"}, {confirm, destroying[p.about].verb + ", once the name is typed"}}
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
	f.notify(t)
	t.styled(t.strong, "", destroying[p.about].question+f.plan.VM+"?")
	if p.plan == nil {
		t.blank()
		t.put("", "What would go away is being looked at.")
		return
	}
	switch p.about {
	case restoring:
		fate(t)(p.plan.RestoreLosses())
	case removing:
		fate(t)(p.plan.RemoveLosses())
	default:
		fate(t)(p.plan.Losses())
	}
	t.blank()
	t.put("", "To go ahead, type the name of the VM, "+f.plan.VM+", and press enter. Esc leaves it as it is.")
	t.typed("> ", p.input)
	if p.wrong != "" {
		t.put(t.mark(provision.Failed)+" ", p.wrong+" is not its name. Nothing has been changed.")
		t.focus = len(t.lines) - 1
	} else if p.input.Value() == "" {
		t.focus = -1 // what goes away is read first
	}
}
