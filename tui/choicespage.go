package tui

import (
	"cmp"
	"slices"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/provision"
)

// choicesPage changes the choices. They are validated while the user types, and used or saved only when they are valid.
type choicesPage struct {
	fields []field
	at     int // the field that keys go to, among those that are shown

	validated  *provision.Choices // the choices that were validated last; nil before the first time
	validation provision.Validation
	validating bool
	then       func(*model, provision.Choices) tea.Cmd // waits for the validation; nil for nothing
}

// field is a choice among few, or a line of text.
type field struct {
	id      provision.Field
	label   string
	options []option
	picked  int
	input   textinput.Model
	of      provision.Field // shown only when this field has the value is; empty for always
	is      string
}

type option struct{ value, words string }

// The options that open a line of text.
const (
	agentFile  = "file"
	customSize = "custom"
)

func newChoicesPage(c provision.Choices) choicesPage {
	agent, file, size := c.Agent, "", c.Size
	if agent != "" && agent != provision.AgentBuiltin {
		agent, file = agentFile, c.Agent
	}
	if c.CPUs+c.Memory+c.Disk != "" {
		size = customSize
	}
	custom := func(id provision.Field, value string) field {
		return field{id: id, label: string(id), input: newInput(value), of: provision.FieldSize, is: customSize}
	}
	return choicesPage{fields: []field{
		{id: provision.FieldProject, label: "project", input: newInput(c.Project)},
		pick(provision.FieldAgent, "agent", agent,
			option{"", "the project's own"}, option{agentFile, "a file"},
			option{provision.AgentBuiltin, "built-in probe"}),
		{id: agentFile, label: "file", input: newInput(file), of: provision.FieldAgent, is: agentFile},
		pick(provision.FieldSize, "size", size,
			option{"", "as it is, or default"}, option{provision.SizeDefault, "default"},
			option{provision.SizeDev, "dev: twice as much"}, option{customSize, "custom"}),
		custom(provision.FieldCPUs, c.CPUs),
		custom(provision.FieldMemory, c.Memory),
		custom(provision.FieldDisk, c.Disk),
	}}
}

func pick(id provision.Field, label, value string, options ...option) field {
	picked := slices.IndexFunc(options, func(o option) bool { return o.value == value })
	return field{id: id, label: label, options: options, picked: max(0, picked)}
}

func (f field) value() string {
	if f.options != nil {
		return f.options[f.picked].value
	}
	return strings.TrimSpace(f.input.Value())
}

func (p choicesPage) value(id provision.Field) string {
	at := slices.IndexFunc(p.fields, func(f field) bool { return f.id == id })
	return p.fields[at].value()
}

// shown returns the indexes of the fields that apply now.
func (p choicesPage) shown() (shown []int) {
	for i, field := range p.fields {
		if field.of == "" || p.value(field.of) == field.is {
			shown = append(shown, i)
		}
	}
	return shown
}

// choices are the values of the fields.
func (p choicesPage) choices() provision.Choices {
	c := provision.Choices{
		Project: p.value(provision.FieldProject), Agent: p.value(provision.FieldAgent),
		Size: p.value(provision.FieldSize),
		CPUs: p.value(provision.FieldCPUs), Memory: p.value(provision.FieldMemory), Disk: p.value(provision.FieldDisk),
	}
	if c.Agent == agentFile {
		c.Agent = p.value(agentFile)
	}
	if c.Size == customSize {
		c.Size = ""
	} else {
		c.CPUs, c.Memory, c.Disk = "", "", ""
	}
	return c
}

// current reports whether the validation is about the values of the fields.
func (p choicesPage) current() bool { return p.validated != nil && *p.validated == p.choices() }

func (choicesPage) title() string { return "Choices" }

func (p choicesPage) offers(f *facts) []offer {
	use := func(m *model, choices provision.Choices) tea.Cmd {
		m.facts.choices = choices
		return m.replan()
	}
	offers := []offer{{keyEnter, "use these", whenValid(use)}, {keyEsc, "cancel", (*model).uncover}}
	if f.options.Save != nil {
		offers = append(offers, offer{keySave, "save", whenValid(func(m *model, choices provision.Choices) tea.Cmd {
			return save(m.ctx, m.options, choices)
		})})
	}
	goTo := func(by int) func(*model) tea.Cmd {
		return changeChoices(func(p *choicesPage, _ *field) { p.at = (p.at + by) % len(p.shown()) })
	}
	offers = append(offers, offer{keyNextField, "next", goTo(1)},
		offer{keyPreviousField, "previous", goTo(len(p.shown()) - 1)})
	if options := len(p.focused().options); options > 0 {
		pick := func(by int) func(*model) tea.Cmd {
			return changeChoices(func(_ *choicesPage, f *field) { f.picked = (f.picked + by) % options })
		}
		offers = append(offers, offer{keyNextOption, "another", pick(1)},
			offer{keyPreviousOption, "back", pick(options - 1)})
	}
	return offers
}

// focused returns the field that keys go to.
func (p choicesPage) focused() *field { return &p.fields[p.shown()[p.at]] }

// edit copies the fields and returns the focused one for editing. It cancels whatever waits for the validation.
func (p *choicesPage) edit() *field {
	p.fields, p.then = slices.Clone(p.fields), nil
	return p.focused()
}

func (p choicesPage) typing() bool { return p.focused().options == nil }

func (p choicesPage) edited(msg tea.Msg) page {
	field := p.edit()
	field.input, _ = field.input.Update(msg)
	return p
}

func (p choicesPage) body(f *facts, t *text) {
	t.put("", "Empty fields keep what the VM has; a new VM gets the defaults. "+
		"The plan is made again with your choices.")
	t.blank()
	for i, index := range p.shown() {
		p.showField(t, p.fields[index], i == p.at)
		p.showResult(t, p.fields[index])
		if i == p.at {
			t.focus = len(t.lines) - 1
		}
	}
	t.blank()
	switch {
	case !p.current():
		t.styled(t.dim, "", "checking"+t.more)
	case !p.validation.OK():
		t.put(t.mark(provision.Failed)+" ", "Fix the fields marked "+t.glyph(provision.Failed)+".")
	case p.doubtful():
		t.put(t.mark(provision.Warning)+" ",
			"You can use these, but check what is marked "+t.glyph(provision.Warning)+".")
	default:
		t.put(t.mark(provision.OK)+" ", "Looks good.")
	}
	f.showAlert(t)
}

// doubtful reports whether something should be thought about before the choices are used.
func (p choicesPage) doubtful() bool {
	for _, result := range p.validation {
		if result.Doubtful {
			return true
		}
	}
	return false
}

func (p choicesPage) showField(t *text, f field, focused bool) {
	prefix, label := "  ", t.dim
	if focused {
		prefix, label = t.accent.Render(t.at+" "), t.accent
	}
	prefix += label.Render(pad(f.label, 9))
	switch {
	case f.options != nil:
		t.showOptions(prefix, f, focused)
	case focused:
		t.input(prefix, f.input)
	default:
		t.lines = append(t.lines, t.cut(prefix+t.clean(cmp.Or(f.value(), "-")), t.width))
	}
}

// showOptions writes all options of a field, with a mark before the one that is picked.
func (t *text) showOptions(prefix string, f field, focused bool) {
	line := prefix
	for i, option := range f.options {
		words := "( ) " + option.words
		if i == f.picked {
			words = "(" + t.picked + ") " + option.words
		}
		if ansi.StringWidth(line+words) > t.width && line != prefix {
			t.lines = append(t.lines, line)
			line = strings.Repeat(" ", ansi.StringWidth(prefix))
		}
		style := t.dim
		if i == f.picked {
			style = t.strong
			if focused {
				style = t.accent
			}
		}
		line += style.Render(words) + "  "
	}
	t.lines = append(t.lines, strings.TrimRight(line, " "))
}

// showResult writes what the validation found for a field.
func (p choicesPage) showResult(t *text, f field) {
	id := f.id
	switch {
	case id == agentFile:
		id = provision.FieldAgent
	case id == provision.FieldAgent && p.value(provision.FieldAgent) == agentFile:
		return // the error is about the file
	}
	result := p.validation[id]
	if result.Text == "" {
		return
	}
	outcome := provision.OK
	switch {
	case result.Wrong:
		outcome = provision.Failed
	case result.Doubtful:
		outcome = provision.Warning
	}
	t.put(strings.Repeat(" ", 11)+t.mark(outcome)+" ", result.Text)
}

// choose opens the choices.
func (m *model) choose() tea.Cmd {
	m.cover(newChoicesPage(m.facts.choices))
	return m.validate()
}

// changeChoices makes an offer of an action that changes no text on the page.
func changeChoices(change func(*choicesPage, *field)) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		if page, ok := m.over.(choicesPage); ok {
			change(&page, page.edit())
			m.over, m.scrolled = page, false
		}
		return m.validate()
	}
}

// validate validates the choices, unless that is done or running: one reading of the files at a time.
func (m *model) validate() tea.Cmd {
	page, ok := m.over.(choicesPage)
	if ok {
		m.facts.alert = alert{} // the alert was about other choices
	}
	if !ok || page.validating || page.current() {
		return nil
	}
	page.validating = true
	m.over = page
	return validate(m.ctx, m.options, page.choices())
}

// validated receives a validation. If the user has kept typing, it starts the next one.
func (m *model) validated(msg validatedMsg) tea.Cmd {
	page, ok := m.over.(choicesPage)
	if !ok {
		return nil
	}
	page.validating, page.validated, page.validation = false, &msg.choices, msg.validation
	m.over = page
	if page.current() && page.then != nil {
		return whenValid(page.then)(m)
	}
	return m.validate()
}

// whenValid makes an offer of an action that needs valid choices: it waits for their validation.
func whenValid(do func(*model, provision.Choices) tea.Cmd) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		page, ok := m.over.(choicesPage)
		if !ok {
			return nil
		}
		m.facts.alert, page.then = alert{}, nil
		if !page.current() {
			page.then = do
		}
		m.over = page
		if !page.current() || !page.validation.OK() {
			return nil
		}
		return do(m, page.choices())
	}
}
