package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

func TestChoicesRoundTrip(t *testing.T) {
	project := t.TempDir()
	spec := provision.Spec{VM: "w", Project: project, Agent: provision.AgentBuiltin, CPUs: 3, Memory: 1536 << 20,
		Disk: 40 << 30, Image: "kept"}
	c := choicesOf(spec)
	if want := (provision.Choices{Project: project, Agent: "builtin", CPUs: "3", Memory: "1536MiB",
		Disk: "40GiB"}); c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
	spec.Image = ""
	again, err := withChoices(spec, c)
	if err != nil || again.CPUs != 3 || again.Memory != spec.Memory || again.Disk != spec.Disk || again.VM != "w" ||
		again.Project != project {
		t.Errorf("%v: %+v", err, again)
	}
	if none, err := withChoices(spec, provision.Choices{}); err != nil || none.CPUs != 0 || none.Project != "" ||
		none.Agent != "" {
		t.Errorf("a cleared choice is still there: %v: %+v", err, none)
	}
	if dev, err := withChoices(spec, provision.Choices{Size: provision.SizeDev}); err != nil ||
		dev.CPUs != 2*provision.DefaultCPUs {
		t.Errorf("%v: %+v", err, dev)
	}
}

func TestValidateChoices(t *testing.T) {
	project := t.TempDir()
	fake := filepath.Join(project, "bin", "world-agent")
	if err := os.MkdirAll(filepath.Dir(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fake, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		choices provision.Choices
		field   provision.Field
		wrong   bool
		text    string
	}{
		{provision.Choices{Project: project}, provision.FieldProject, false, project},
		{provision.Choices{Project: project}, provision.FieldAgent, false, "was rejected"},
		{provision.Choices{Project: t.TempDir()}, provision.FieldAgent, false, "the project has none"},
		{provision.Choices{Project: project + "/none"}, provision.FieldProject, true, "no such file"},
		{provision.Choices{Agent: "builtin"}, provision.FieldAgent, false, "runs no commands"},
		{provision.Choices{Agent: fake}, provision.FieldAgent, true, "cannot be used"},
		{provision.Choices{Size: "dev"}, provision.FieldSize, false, "8 CPUs"},
		{provision.Choices{CPUs: "0"}, provision.FieldCPUs, true, "a whole number from 1 to 256"},
		{provision.Choices{Memory: "1KiB"}, provision.FieldMemory, true, "invalid memory size"},
		{provision.Choices{Disk: "large"}, provision.FieldDisk, true, "a size from"},
	} {
		verdict := validateChoices(provision.Spec{}, test.choices)
		if note := verdict[test.field]; note.Wrong != test.wrong || !strings.Contains(note.Text, test.text) {
			t.Errorf("%+v: %s is %+v", test.choices, test.field, note)
		}
	}
}
