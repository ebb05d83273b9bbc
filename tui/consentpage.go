package tui

import (
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// consentPage asks for consent to a call that deletes a VM. It starts on no: only the VM's name, typed, is a yes.
type consentPage struct {
	call  call
	plan  *provision.Plan // nil while it is being made
	name  textinput.Model
	wrong string // a wrong name that was typed
}

func newConsentPage(what call, plan *provision.Plan) consentPage {
	return consentPage{call: what, plan: plan, name: newInput("")}
}

// consents are the words for the calls that delete a VM.
var consents = map[call]struct{ title, question, verb string }{
	running:   {"Replace?", "Replace the VM ", "replace"},
	restoring: {"Restore?", "Restore the kept VM, in the place of the VM ", "restore"},
	removing:  {"Remove?", "Remove the world in the VM ", "remove"},
}

// adoption holds the words of the consent to adopt a foreign VM.
var adoption = struct{ title, question, verb string }{"Take over?", "Make a world of the VM ", "take over"}

// words returns the words of the consent that the page asks for.
func (p consentPage) words() struct{ title, question, verb string } {
	if p.plan != nil && p.plan.Adopts() && !p.plan.Destroys() {
		return adoption
	}
	return consents[p.call]
}

func (p consentPage) title() string { return p.words().title }
func (consentPage) typing() bool    { return true }

func (p consentPage) offers(*facts) []offer {
	return []offer{
		{keyEsc, "no, leave it", (*model).uncover},
		{keyEnter, p.words().verb + ", once the name is typed", (*model).confirm},
	}
}

func (p consentPage) edited(msg tea.Msg) page {
	p.name, _ = p.name.Update(msg)
	p.wrong = ""
	return p
}

func (p consentPage) typed() string { return strings.TrimSpace(p.name.Value()) }

func (p consentPage) body(f *facts, t *text) {
	f.showAlert(t)
	t.styled(t.strong, "", p.words().question+f.plan.VM+"?")
	if p.plan == nil {
		t.blank()
		t.put("", "Checking what will be deleted"+t.more)
		return
	}
	switch {
	case p.plan.Adopts() && !p.plan.Destroys():
		t.adoption(p.plan.Adoption())
	case p.call == restoring:
		t.losses(p.plan.RestoreLosses())
	case p.call == removing:
		t.losses(p.plan.RemoveLosses())
	default:
		t.losses(p.plan.Losses())
	}
	t.blank()
	t.put("", "To go ahead, type the name of the VM, "+f.plan.VM+", and press enter. Esc leaves it as it is.")
	t.input("> ", p.name)
	if p.wrong != "" {
		t.put(t.mark(provision.Failed)+" ", p.wrong+" is not its name. Nothing has been changed.")
		t.focus = len(t.lines) - 1
	} else if p.name.Value() == "" {
		t.focus = -1 // the user should first read what will be deleted
	}
}

// confirm starts the call, if the name that was typed is the VM's.
func (m *model) confirm() tea.Cmd {
	page, ok := m.over.(consentPage)
	switch {
	case !ok || page.plan == nil || page.typed() == "":
		return nil
	case page.typed() != m.facts.plan.VM:
		page.wrong, page.name = page.typed(), newInput("")
		m.over = page
		return nil
	}
	m.facts.agreed = *page.plan
	return m.start(page.call, progressPage{})
}
