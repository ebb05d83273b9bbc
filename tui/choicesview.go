package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/provision"
)

func (p choicesPage) body(_ *facts, t *text) {
	t.put("", "What is left empty stays as it is, and is the default in a new VM. The plan is made anew with what you take.")
	focus := -1
	var at *cell
	t.blank()
	for i, index := range p.shown() {
		field := p.fields[index]
		p.show(t, field, i == p.at)
		p.note(t, field)
		if i == p.at {
			focus, at = len(t.lines)-1, t.cursor
		}
	}
	t.focus, t.cursor = focus, at
	p.sum(t)
}

func (p choicesPage) show(t *text, f field, focused bool) {
	t.cursor = nil
	prefix := "  "
	if focused {
		prefix = t.strong.Render("> ")
	}
	prefix += t.dim.Render(f.label) + strings.Repeat(" ", max(1, 9-ansi.StringWidth(f.label)))
	switch {
	case f.options != nil && focused:
		t.styled(t.strong, prefix, "< "+f.options[f.picked].words+" >")
	case f.options != nil:
		t.put(prefix, f.options[f.picked].words)
	case focused:
		t.typed(prefix, f.input)
	default:
		value := f.value()
		if value == "" {
			value = "-"
		}
		t.lines = append(t.lines, t.cut(prefix+t.clean(value), t.width))
	}
}

// note says what the last verdict was on a field.
func (p choicesPage) note(t *text, f field) {
	id := f.id
	switch {
	case id == aFile:
		id = provision.FieldAgent
	case id == provision.FieldAgent && p.value(provision.FieldAgent) == aFile:
		return // it is the file's
	}
	note, is := p.verdict[id]
	if !is || note.Text == "" {
		return
	}
	outcome := provision.OK
	if note.Wrong {
		outcome = provision.Failed
	}
	t.put(strings.Repeat(" ", 11)+t.mark(outcome)+" ", note.Text)
}

// sum says whether they can be taken.
func (p choicesPage) sum(t *text) {
	t.blank()
	switch {
	case !p.settled():
		t.styled(t.dim, "", "checking"+t.more)
	case !p.verdict.OK():
		t.put(t.mark(provision.Failed)+" ", "They cannot be taken like this.")
	default:
		t.put(t.mark(provision.OK)+" ", "They can be taken.")
	}
	if p.said.words != "" {
		t.put(t.mark(p.said.outcome)+" ", p.said.words)
	}
}
