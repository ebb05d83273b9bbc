package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/atomize-hq/worldsetup/provision"
)

// choicesPage changes the choices. They are checked while somebody types, and taken only when they are fine.
type choicesPage struct {
	fields []field
	at     int // the field that keys go to, among those that are shown

	checked  *provision.Choices // what the verdict is about; nil before the first one
	verdict  provision.Validation
	checking bool
	then     action // what somebody wants with them, and a verdict is awaited
	said     notice // what came of keeping them
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
	aFile  = "file"
	custom = "custom"
)

func newChoicesPage(c provision.Choices) choicesPage {
	agent, file := c.Agent, ""
	if agent != "" && agent != provision.AgentBuiltin {
		agent, file = aFile, c.Agent
	}
	size := c.Size
	if c.CPUs+c.Memory+c.Disk != "" {
		size = custom
	}
	return choicesPage{fields: []field{
		{id: provision.FieldProject, label: "project", input: newInput(c.Project)},
		pick(provision.FieldAgent, "agent", agent, option{"", "the project's own"}, option{aFile, "a file"}, option{provision.AgentBuiltin, "built-in probe"}),
		{id: aFile, label: "file", input: newInput(file)},
		pick(provision.FieldSize, "size", size, option{"", "as it is, or default"}, option{provision.SizeDefault, "default"}, option{provision.SizeDev, "dev: twice as much"}, option{custom, "custom"}),
		{id: provision.FieldCPUs, label: "cpus", input: newInput(c.CPUs)},
		{id: provision.FieldMemory, label: "memory", input: newInput(c.Memory)},
		{id: provision.FieldDisk, label: "disk", input: newInput(c.Disk)},
	}}
}

func pick(id provision.Field, label, value string, options ...option) field {
	picked := slices.IndexFunc(options, func(o option) bool { return o.value == value })
	return field{id: id, label: label, options: options, picked: max(0, picked)}
}

// value is what a field says.
func (f field) value() string {
	if f.options != nil {
		return f.options[f.picked].value
	}
	return strings.TrimSpace(f.input.Value())
}

func (p choicesPage) value(id provision.Field) string {
	for _, field := range p.fields {
		if field.id == id {
			return field.value()
		}
	}
	return ""
}

// shown are the fields that matter now, by index.
func (p choicesPage) shown() (shown []int) {
	for i, field := range p.fields {
		switch field.id {
		case aFile:
			if p.value(provision.FieldAgent) != aFile {
				continue
			}
		case provision.FieldCPUs, provision.FieldMemory, provision.FieldDisk:
			if p.value(provision.FieldSize) != custom {
				continue
			}
		}
		shown = append(shown, i)
	}
	return shown
}

// choices are what the fields say.
func (p choicesPage) choices() provision.Choices {
	c := provision.Choices{Project: p.value(provision.FieldProject), Agent: p.value(provision.FieldAgent), Size: p.value(provision.FieldSize)}
	if c.Agent == aFile {
		c.Agent = p.value(aFile)
	}
	if c.Size == custom {
		c.Size, c.CPUs, c.Memory, c.Disk = "", p.value(provision.FieldCPUs), p.value(provision.FieldMemory), p.value(provision.FieldDisk)
	}
	return c
}

// settled says whether the verdict is about what the fields say.
func (p choicesPage) settled() bool { return p.checked != nil && *p.checked == p.choices() }

func (choicesPage) title() string { return "Choices" }

func (p choicesPage) offers(f *facts) []offer {
	offers := []offer{{take, "take these"}, {drop, "leave as it was"}}
	if f.can.keep {
		offers = append(offers, offer{keep, "keep them"})
	}
	offers = append(offers, offer{nextField, "next"}, offer{previousField, "previous"})
	if !p.writing() {
		offers = append(offers, offer{nextOption, "another"}, offer{previousOption, "back"})
	}
	return offers
}

// writing says whether letters are text.
func (p choicesPage) writing() bool { return p.fields[p.shown()[p.at]].options == nil }

// write gives a key or what was pasted to the field.
func (p choicesPage) write(msg tea.Msg) page {
	p.fields = slices.Clone(p.fields)
	field := &p.fields[p.shown()[p.at]]
	field.input, _ = field.input.Update(msg)
	p.then, p.said = nothing, notice{}
	return p
}

// moved is the page after an action that changes no text.
func (p choicesPage) moved(a action) choicesPage {
	p.fields = slices.Clone(p.fields)
	shown := p.shown()
	field := &p.fields[shown[p.at]]
	switch a {
	case nextField:
		p.at = (p.at + 1) % len(shown)
	case previousField:
		p.at = (p.at + len(shown) - 1) % len(shown)
	case nextOption:
		field.picked = (field.picked + 1) % len(field.options)
	case previousOption:
		field.picked = (field.picked + len(field.options) - 1) % len(field.options)
	}
	p.then, p.said = nothing, notice{}
	return p
}
