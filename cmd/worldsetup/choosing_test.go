package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/tui"
)

func TestChoicesAndBack(t *testing.T) {
	project := t.TempDir()
	spec := provision.Spec{VM: "w", Project: project, Agent: provision.AgentBuiltin, CPUs: 3, Memory: 1536 << 20, Disk: 40 << 30, Image: "kept"}
	c := choicesOf(spec)
	if want := (tui.Choices{Project: project, Agent: "builtin", CPUs: "3", Memory: "1536MiB", Disk: "40GiB"}); c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
	spec.Image = ""
	again, err := withChoices(spec, c)
	if err != nil || again.CPUs != 3 || again.Memory != spec.Memory || again.Disk != spec.Disk || again.VM != "w" || again.Project != project {
		t.Errorf("%v: %+v", err, again)
	}
	if none, err := withChoices(spec, tui.Choices{}); err != nil || none.CPUs != 0 || none.Project != "" || none.Agent != "" {
		t.Errorf("what was taken back is still there: %v: %+v", err, none)
	}
	if dev, err := withChoices(spec, tui.Choices{Size: tui.SizeDev}); err != nil || dev.CPUs != 2*provision.DefaultCPUs {
		t.Errorf("%v: %+v", err, dev)
	}
}

func TestJudgeChoices(t *testing.T) {
	project := t.TempDir()
	fake := filepath.Join(project, "bin", "world-agent")
	if err := os.MkdirAll(filepath.Dir(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fake, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		choices tui.Choices
		field   tui.Field
		wrong   bool
		text    string
	}{
		{tui.Choices{Project: project}, tui.FieldProject, false, project},
		{tui.Choices{Project: project}, tui.FieldAgent, false, "was not taken"},
		{tui.Choices{Project: t.TempDir()}, tui.FieldAgent, false, "the project has none"},
		{tui.Choices{Project: project + "/none"}, tui.FieldProject, true, "no such file"},
		{tui.Choices{Agent: "builtin"}, tui.FieldAgent, false, "runs no commands"},
		{tui.Choices{Agent: fake}, tui.FieldAgent, true, "cannot be used"},
		{tui.Choices{Size: "dev"}, tui.FieldSize, false, "8 processors"},
		{tui.Choices{CPUs: "0"}, tui.FieldCPUs, true, "no number of processors"},
		{tui.Choices{Memory: "1KiB"}, tui.FieldMemory, true, "cannot be had"},
		{tui.Choices{Disk: "large"}, tui.FieldDisk, true, "no size"},
	} {
		verdict := judgeChoices(provision.Spec{}, test.choices)
		if note := verdict[test.field]; note.Wrong != test.wrong || !strings.Contains(note.Text, test.text) {
			t.Errorf("%+v: %s is %+v", test.choices, test.field, note)
		}
	}
}
