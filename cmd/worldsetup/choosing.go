package main

import (
	"fmt"
	"runtime"
	"strconv"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// choicesOf are the choices that a Spec holds.
func choicesOf(spec provision.Spec) provision.Choices {
	c := provision.Choices{Project: spec.Project, Agent: spec.Agent, Memory: sizeText(spec.Memory), Disk: sizeText(spec.Disk)}
	if spec.CPUs != 0 {
		c.CPUs = strconv.Itoa(spec.CPUs)
	}
	return c
}

// sizeText writes a size as a flag would take it; nothing for none.
func sizeText(bytes int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes != 0 && bytes%unit.bytes == 0 {
			return fmt.Sprint(bytes/unit.bytes, unit.name)
		}
	}
	if bytes == 0 {
		return ""
	}
	return fmt.Sprint(bytes)
}

// choice is one of the choices, as a setting of a Spec.
type choice struct {
	field provision.Field
	value string
	set   func(*provision.Spec, string) error
}

// choicesFor are all of them, in the order in which they take effect.
func choicesFor(c provision.Choices) []choice {
	return []choice{
		{provision.FieldProject, c.Project, func(spec *provision.Spec, value string) error { spec.Project = value; return nil }},
		{provision.FieldAgent, c.Agent, func(spec *provision.Spec, value string) error { spec.Agent = value; return nil }},
		{provision.FieldSize, c.Size, setSize},
		{provision.FieldCPUs, c.CPUs, setCPUs},
		{provision.FieldMemory, c.Memory, func(spec *provision.Spec, value string) (err error) { spec.Memory, err = parseSize(value); return err }},
		{provision.FieldDisk, c.Disk, func(spec *provision.Spec, value string) (err error) { spec.Disk, err = parseSize(value); return err }},
	}
}

// withoutChoices is a Spec that leaves open what can be chosen.
func withoutChoices(spec provision.Spec) provision.Spec {
	spec.Project, spec.Agent, spec.CPUs, spec.Memory, spec.Disk = "", "", 0, 0, 0
	return spec
}

// withChoices is a Spec with other choices. The error is the first of them that cannot be.
func withChoices(spec provision.Spec, c provision.Choices) (provision.Spec, error) {
	spec = withoutChoices(spec)
	for _, choice := range choicesFor(c) {
		if choice.value == "" {
			continue
		}
		if err := choice.set(&spec, choice.value); err != nil {
			return spec, err
		}
	}
	return spec.Resolve()
}

// judgeChoices says of each choice on its own whether it can be, and what it comes to.
func judgeChoices(spec provision.Spec, c provision.Choices) provision.Validation {
	verdict := provision.Validation{}
	for _, choice := range choicesFor(c) {
		if choice.value == "" {
			continue
		}
		alone := withoutChoices(spec)
		err := choice.set(&alone, choice.value)
		if err == nil {
			alone, err = alone.Resolve()
		}
		verdict[choice.field] = note(alone, choice.field, err)
	}
	if verdict[provision.FieldProject].Wrong {
		return verdict
	}
	verdict[provision.FieldAgent] = agentNote(spec, c)
	return verdict
}

// note is what is to be said about a choice that is in spec, or could not be.
func note(spec provision.Spec, field provision.Field, err error) provision.FieldResult {
	if err != nil {
		return provision.FieldResult{Wrong: true, Text: provision.AsError(err).What}
	}
	switch field {
	case provision.FieldProject:
		return provision.FieldResult{Text: spec.Project}
	case provision.FieldSize:
		return provision.FieldResult{Text: fmt.Sprintf("%d processors, %s of memory, a disk of %s", spec.CPUs, plaintext.Bytes(spec.Memory), plaintext.Bytes(spec.Disk))}
	}
	return provision.FieldResult{}
}

// agentNote says which agent that would be. Worlds have their host's processor unless a profile says otherwise.
func agentNote(spec provision.Spec, c provision.Choices) provision.FieldResult {
	if c.Agent == "" && c.Project == "" {
		return provision.FieldResult{}
	}
	agent, rejected, err := provision.FindAgent(c.Agent, c.Project, limatype.NewArch(runtime.GOARCH))
	switch {
	case err != nil:
		failure := provision.AsError(err)
		return provision.FieldResult{Wrong: true, Text: failure.What + ": " + failure.Why}
	case agent == nil && len(rejected) > 0:
		return provision.FieldResult{Text: rejected[0].Path + " was not taken: " + rejected[0].Why}
	case agent == nil:
		return provision.FieldResult{Text: "the project has none; a VM keeps the one that it has"}
	case agent.Source == provision.SourceBuild:
		return provision.FieldResult{Text: "built in the VM from " + agent.Path}
	case agent.Probe:
		return provision.FieldResult{Text: "it proves the world and runs no commands"}
	}
	return provision.FieldResult{Text: agent.Path + ", " + plaintext.Bytes(agent.Size)}
}
