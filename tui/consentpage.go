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
	restoring: {"Restore?", "Restore the kept VM in place of the VM ", "restore"},
	removing:  {"Remove?", "Remove the world in the VM ", "remove"},
}

// adoption holds the words of the consent to adopt a foreign VM.
var adoption = struct{ title, question, verb string }{"Take over?", "Take over the VM ", "take over"}

// words returns the words of the consent that the page asks for.
func (p consentPage) words() struct{ title, question, verb string } {
	if p.plan != nil && p.plan.Adopts() && !p.plan.Destroys() {
		return adoption
	}
	return consents[p.call]
}

func (p consentPage) title() string { return p.words().title }
func (consentPage) typing() bool    { return true }

func (p consentPage) offers(f *facts) []offer {
	verb := offer{key: keyEnter, words: p.words().verb, do: (*model).confirm}
	if p.plan == nil || p.typed() != f.plan.VM {
		verb.words += ", once the name matches"
	}
	return []offer{{key: keyEsc, words: "no, leave it", do: (*model).uncover}, verb}
}

func (p consentPage) edited(msg tea.Msg) page {
	p.name, _ = p.name.Update(msg)
	p.wrong = ""
	return p
}

func (p consentPage) typed() string { return strings.TrimSpace(p.name.Value()) }

func (p consentPage) body(f *facts, t *text) {
	f.showAlert(t)
	t.box(t.bad, p.words().question+f.plan.VM+"?", func(t *text) {
		if p.plan == nil {
			t.put("", "Checking what will be deleted"+t.more)
			return
		}
		p.showLosses(t)
		t.blank()
		if p.plan.Destroys() {
			t.styled(t.strong, "", "What is deleted can't be restored.")
		}
		t.put("", "To go ahead, type the VM's name, "+f.plan.VM+":")
		t.input(t.accent.Render("> "), p.name)
		if p.wrong != "" {
			t.put(t.mark(provision.Failed)+" ", p.wrong+" is not the name of the VM. Nothing has been changed.")
			t.focus = len(t.lines) - 1
		} else if p.name.Value() == "" {
			t.focus = -1 // the user should first read what will be deleted
		}
	})
}

// showLosses writes what is deleted or changed, and what is kept, side by side.
func (p consentPage) showLosses(t *text) {
	heading := "Deleted"
	var lost, kept string
	switch {
	case p.plan.Adopts() && !p.plan.Destroys():
		heading = "Changed"
		lost, kept = p.plan.Adoption()
	case p.call == restoring:
		lost, kept = p.plan.RestoreLosses()
	case p.call == removing:
		lost, kept = p.plan.RemoveLosses()
	default:
		lost, kept = p.plan.Losses()
	}
	t.lists(heading, "Kept", entries(lost), entries(kept))
}

// entries divides a description into its parts.
func entries(description string) []string {
	return strings.Split(strings.ReplaceAll(description, ". ", "; "), "; ")
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
	m.facts.typedFor = *page.plan
	return m.start(page.call, progressPage{})
}
