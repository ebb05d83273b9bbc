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

// choicesPage changes the choices. They are validated while a person types, and used or saved only when they are valid.
type choicesPage struct {
	fields []field
	at     int // the field that keys go to, among those that are shown

	validated  *provision.Choices // what validation is about; nil before the first one
	validation provision.Validation
	validating bool
	then       func(*model) tea.Cmd // what waits for the validation; nil for nothing
	result     alert                // of saving
}

// field is a choice among few, or a line of text.
type field struct {
	id      provision.Field
	label   string
	options []option
	picked  int
	input   textinput.Model
}

type option struct{ value, words string }

// What is picked when a line of text says more.
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
	return choicesPage{fields: []field{
		{id: provision.FieldProject, label: "project", input: newInput(c.Project)},
		pick(provision.FieldAgent, "agent", agent,
			option{"", "the project's own"}, option{agentFile, "a file"}, option{provision.AgentBuiltin, "built-in probe"}),
		{id: agentFile, label: "file", input: newInput(file)},
		pick(provision.FieldSize, "size", size,
			option{"", "as it is, or default"}, option{provision.SizeDefault, "default"},
			option{provision.SizeDev, "dev: twice as much"}, option{customSize, "custom"}),
		{id: provision.FieldCPUs, label: "cpus", input: newInput(c.CPUs)},
		{id: provision.FieldMemory, label: "memory", input: newInput(c.Memory)},
		{id: provision.FieldDisk, label: "disk", input: newInput(c.Disk)},
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

// shown are the fields that matter now, by index.
func (p choicesPage) shown() (shown []int) {
	for i, field := range p.fields {
		switch field.id {
		case agentFile:
			if p.value(provision.FieldAgent) != agentFile {
				continue
			}
		case provision.FieldCPUs, provision.FieldMemory, provision.FieldDisk:
			if p.value(provision.FieldSize) != customSize {
				continue
			}
		}
		shown = append(shown, i)
	}
	return shown
}

// choices are what the fields say.
func (p choicesPage) choices() provision.Choices {
	c := provision.Choices{
		Project: p.value(provision.FieldProject), Agent: p.value(provision.FieldAgent), Size: p.value(provision.FieldSize),
	}
	if c.Agent == agentFile {
		c.Agent = p.value(agentFile)
	}
	if c.Size == customSize {
		c.Size, c.CPUs = "", p.value(provision.FieldCPUs)
		c.Memory, c.Disk = p.value(provision.FieldMemory), p.value(provision.FieldDisk)
	}
	return c
}

// current reports whether the validation is about what the fields say.
func (p choicesPage) current() bool { return p.validated != nil && *p.validated == p.choices() }

func (choicesPage) title() string { return "Choices" }

func (p choicesPage) offers(f *facts) []offer {
	offers := []offer{{keyEnter, "use these", (*model).useChoices}, {keyEsc, "cancel", (*model).uncover}}
	if f.can.save {
		offers = append(offers, offer{keySave, "save", (*model).saveChoices})
	}
	n := len(p.shown())
	offers = append(offers,
		offer{keyNextField, "next", changeChoices(func(p *choicesPage) { p.at = (p.at + 1) % n })},
		offer{keyPreviousField, "previous", changeChoices(func(p *choicesPage) { p.at = (p.at + n - 1) % n })})
	if !p.typing() {
		offers = append(offers,
			offer{keyNextOption, "another", changeChoices(func(p *choicesPage) { p.pickNext(+1) })},
			offer{keyPreviousOption, "back", changeChoices(func(p *choicesPage) { p.pickNext(-1) })})
	}
	return offers
}

// edit returns the field that keys go to, in a copy of the page's fields, and drops what waits for the validation.
func (p *choicesPage) edit() *field {
	p.fields = slices.Clone(p.fields)
	p.then, p.result = nil, alert{}
	return &p.fields[p.shown()[p.at]]
}

func (p *choicesPage) pickNext(by int) {
	field := p.edit()
	field.picked = (field.picked + by + len(field.options)) % len(field.options)
}

func (p choicesPage) typing() bool { return p.fields[p.shown()[p.at]].options == nil }

func (p choicesPage) edited(msg tea.Msg) page {
	field := p.edit()
	field.input, _ = field.input.Update(msg)
	return p
}

func (p choicesPage) body(_ *facts, t *text) {
	t.put("", "Empty fields keep what the VM has; a new VM gets the defaults. The plan is made again with your choices.")
	focus := -1
	var cursor *cell
	t.blank()
	for i, index := range p.shown() {
		p.showField(t, p.fields[index], i == p.at)
		p.showResult(t, p.fields[index])
		if i == p.at {
			focus, cursor = len(t.lines)-1, t.cursor
		}
	}
	t.focus, t.cursor = focus, cursor
	t.blank()
	switch {
	case !p.current():
		t.styled(t.dim, "", "checking"+t.more)
	case !p.validation.OK():
		t.put(t.mark(provision.Failed)+" ", "Fix the fields marked "+t.glyph(provision.Failed)+".")
	default:
		t.put(t.mark(provision.OK)+" ", "Looks good.")
	}
	if p.result.words != "" {
		t.put(t.mark(p.result.outcome)+" ", p.result.words)
	}
}

func (p choicesPage) showField(t *text, f field, focused bool) {
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
		t.input(prefix, f.input)
	default:
		t.lines = append(t.lines, t.cut(prefix+t.clean(cmp.Or(f.value(), "-")), t.width))
	}
}

// showResult writes what the validation says about a field.
func (p choicesPage) showResult(t *text, f field) {
	id := f.id
	switch {
	case id == agentFile:
		id = provision.FieldAgent
	case id == provision.FieldAgent && p.value(provision.FieldAgent) == agentFile:
		return // it is about the file
	}
	result := p.validation[id]
	if result.Text == "" {
		return
	}
	outcome := provision.OK
	if result.Wrong {
		outcome = provision.Failed
	}
	t.put(strings.Repeat(" ", 11)+t.mark(outcome)+" ", result.Text)
}

// choose opens the choices.
func (m *model) choose() tea.Cmd {
	m.cover(newChoicesPage(m.facts.choices))
	return m.validate()
}

// changeChoices makes an offer of what changes no text on the page.
func changeChoices(change func(*choicesPage)) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd {
		if page, ok := m.over.(choicesPage); ok {
			page.edit()
			change(&page)
			m.over, m.scrolled = page, false
		}
		return m.validate()
	}
}

// validate validates the choices, unless that is done or running: one reading of the files at a time.
func (m *model) validate() tea.Cmd {
	page, ok := m.over.(choicesPage)
	if !ok || page.validating || page.current() {
		return nil
	}
	page.validating = true
	m.over = page
	return validate(m.ctx, m.options, page.choices())
}

// validated takes a validation. If a person has typed on meanwhile, the next one follows.
func (m *model) validated(msg validatedMsg) tea.Cmd {
	page, ok := m.over.(choicesPage)
	if !ok {
		return nil
	}
	page.validating, page.validated, page.validation = false, &msg.choices, msg.validation
	m.over = page
	if page.current() && page.then != nil {
		return page.then(m)
	}
	return m.validate()
}

// useChoices plans again with the choices, as soon as they are known to be valid.
func (m *model) useChoices() tea.Cmd {
	page, ok := m.whenValid((*model).useChoices)
	if !ok {
		return nil
	}
	m.facts.choices = page.choices()
	return m.replan()
}

// saveChoices saves the choices, as soon as they are known to be valid. It does not use them.
func (m *model) saveChoices() tea.Cmd {
	page, ok := m.whenValid((*model).saveChoices)
	if !ok {
		return nil
	}
	return save(m.ctx, m.options, page.choices())
}

// whenValid is the page, and whether its choices are valid. While that is unknown, then waits for it.
func (m *model) whenValid(then func(*model) tea.Cmd) (page choicesPage, valid bool) {
	page, ok := m.over.(choicesPage)
	if !ok {
		return page, false
	}
	page.then, page.result = nil, alert{}
	if !page.current() {
		page.then = then
	}
	m.over = page
	return page, page.current() && page.validation.OK()
}

// saved says where the choices were saved.
func (m *model) saved(msg savedMsg) {
	page, ok := m.over.(choicesPage)
	if !ok {
		return
	}
	page.result = alert{provision.OK, "Saved in " + msg.path}
	if msg.err != nil {
		page.result = alert{provision.Failed, "Not saved: " + msg.err.Error()}
	}
	m.over = page
}
