package main

import (
	"context"

	"github.com/atomize-hq/worldsetup/provision"
)

// asked is a choice as it is asked for in lines.
type asked struct {
	field    provision.Field
	question string
	value    func(*provision.Choices) *string
}

var askedFor = []asked{
	{provision.FieldProject, "project directory", func(c *provision.Choices) *string { return &c.Project }},
	{provision.FieldAgent, "agent: a file, builtin for the probe, or - for the project's own", func(c *provision.Choices) *string { return &c.Agent }},
	{provision.FieldCPUs, "processors", func(c *provision.Choices) *string { return &c.CPUs }},
	{provision.FieldMemory, "memory, as in 4GiB", func(c *provision.Choices) *string { return &c.Memory }},
	{provision.FieldDisk, "disk, as in 20GiB", func(c *provision.Choices) *string { return &c.Disk }},
}

// choose asks for each of the choices.
func (c *conversation) choose(ctx context.Context) error {
	c.to.printf("An empty answer keeps what is in [brackets], and - means: as it is, or the default in a new VM.")
	choices := choicesOf(c.spec)
	for _, asked := range askedFor {
		if err := c.chooseOne(ctx, &choices, asked); err != nil {
			return err
		}
	}
	var err error
	c.spec, err = withChoices(c.spec, choices)
	return err
}

// chooseOne asks until the answer can be.
func (c *conversation) chooseOne(ctx context.Context, choices *provision.Choices, asked asked) error {
	for {
		value := asked.value(choices)
		answer, err := c.ask(ctx, asked.question+" ["+*value+"]:")
		if err != nil {
			return err
		}
		before := *value
		switch answer {
		case "":
			return nil
		case "-":
			*value = ""
		default:
			*value = answer
		}
		note := judgeChoices(c.spec, *choices)[asked.field]
		if !note.Wrong {
			return nil
		}
		c.to.printf("that cannot be: %s", note.Text)
		*value = before
	}
}
