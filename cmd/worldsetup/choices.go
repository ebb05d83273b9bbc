package main

import (
	"fmt"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision"
)

// choosable is one of the options that can be changed while worldsetup runs. Without a question, prompts leave it out.
type choosable struct {
	field    provision.Field // the name of the option, or the project
	text     *string
	question string
}

// choicesIn returns the choices in c, in the order in which they take effect.
func choicesIn(c *provision.Choices) []choosable {
	return []choosable{
		{provision.FieldProject, &c.Project, "project directory"},
		{provision.FieldAgent, &c.Agent, "agent: a file, builtin for the probe, or - for the project's own"},
		{provision.FieldSize, &c.Size, ""},
		{provision.FieldCPUs, &c.CPUs, "CPUs"},
		{provision.FieldMemory, &c.Memory, "memory, as in 4GiB"},
		{provision.FieldDisk, &c.Disk, "disk, as in 20GiB"},
	}
}

// choicesOf returns the choices that a Spec holds.
func choicesOf(spec provision.Spec) provision.Choices {
	return provision.Choices{
		Project: spec.Project, Agent: spec.Agent,
		CPUs: getCPUs(spec), Memory: sizeText(spec.Memory), Disk: sizeText(spec.Disk),
	}
}

// withChoices returns a Spec with these choices and no others. The error is that of the first invalid one.
func withChoices(spec provision.Spec, c provision.Choices) (provision.Spec, error) {
	spec.Project, spec.Agent, spec.CPUs, spec.Memory, spec.Disk = c.Project, "", 0, 0, 0
	for _, choice := range choicesIn(&c) {
		if *choice.text == "" || choice.field == provision.FieldProject {
			continue
		}
		if err := (value{Name: string(choice.field), Text: *choice.text}).apply(&spec); err != nil {
			return spec, err
		}
	}
	return spec.Resolve()
}

// validateChoices validates each choice on its own and reports what it results in.
func validateChoices(spec provision.Spec, c provision.Choices) provision.Validation {
	verdict := provision.Validation{}
	for i, choice := range choicesIn(&c) {
		if *choice.text == "" {
			continue
		}
		var alone provision.Choices
		*choicesIn(&alone)[i].text = *choice.text
		result, err := withChoices(spec, alone)
		note := provision.FieldResult{}
		switch {
		case err != nil:
			note = provision.FieldResult{Wrong: true, Text: provision.AsError(err).What}
		case choice.field == provision.FieldProject:
			note.Text = result.Project
		case choice.field == provision.FieldSize:
			memory, disk := plaintext.Bytes(result.Memory), plaintext.Bytes(result.Disk)
			note.Text = fmt.Sprintf("%d CPUs, %s of memory, a disk of %s", result.CPUs, memory, disk)
		}
		verdict[choice.field] = note
	}
	if !verdict[provision.FieldProject].Wrong {
		verdict[provision.FieldAgent] = validateAgent(c)
	}
	return verdict
}

// validateAgent finds which agent would be installed. Worlds have their host's processor unless a profile reports
// otherwise.
func validateAgent(c provision.Choices) provision.FieldResult {
	if c.Agent == "" && c.Project == "" {
		return provision.FieldResult{}
	}
	agent, rejected, err := provision.FindAgent(c.Agent, c.Project, limatype.NewArch(platform.Arch()))
	switch {
	case err != nil:
		failure := provision.AsError(err)
		return provision.FieldResult{Wrong: true, Text: failure.What + ": " + failure.Why}
	case agent == nil && len(rejected) > 0:
		return provision.FieldResult{Doubtful: true, Text: rejected[0].Path + " was rejected: " + rejected[0].Why}
	case agent == nil:
		return provision.FieldResult{Doubtful: true, Text: "the project has none; an existing VM keeps its own"}
	case agent.Source == provision.SourceBuild:
		return provision.FieldResult{Text: "built in the VM from " + agent.Path}
	case agent.Probe:
		return provision.FieldResult{Text: "it verifies the world and runs no commands"}
	}
	return provision.FieldResult{Text: agent.Path + ", " + plaintext.Bytes(agent.Size)}
}
