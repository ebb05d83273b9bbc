package agent

import (
	"debug/elf"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// explained is what Find chose, explained place by place.
func explained(t *testing.T, name, project string, stays bool) (list []Candidate, byPlace map[string]Candidate,
	rejected []Rejected) {
	t.Helper()
	found, rejected, err := Find(name, project, limatype.X8664, layout.All)
	if err != nil {
		t.Fatal(err)
	}
	list, byPlace = Candidates(name, project, limatype.X8664, found, rejected, stays, layout.All), map[string]Candidate{}
	for _, candidate := range list {
		byPlace[candidate.From] = candidate
	}
	return list, byPlace, rejected
}

// Each place has the reason that the choice itself gave.
func TestCandidates(t *testing.T) {
	project, content := t.TempDir(), newProgram(elf.EM_X86_64).bytes()
	put(t, project, "bin/linux/world-agent", []byte("\xcf\xfa\xed\xfe of a Mac"))
	put(t, project, "target/release/world-agent", content)
	put(t, project, "target/debug/world-agent", content)
	list, found, _ := explained(t, "", project, false)
	for place, why := range map[string]string{
		"--agent, WORLDSETUP_AGENT":  "not given",
		"bin/linux/world-agent":      "a Mach-O file",
		"bin/world-agent":            "not there",
		"target/release/world-agent": "a Linux program, ",
		"target/debug/world-agent":   "an earlier one was taken",
		"Cargo.toml":                 "an earlier one was taken",
		"--agent builtin":            "only taken when it is asked for",
	} {
		if one := found[place]; !strings.Contains(one.Why, why) ||
			one.Taken != (place == "target/release/world-agent") {
			t.Errorf("%s: %+v, want %q", place, one, why)
		}
	}
	if list[0].From != "--agent, WORLDSETUP_AGENT" || len(list) != 3+len(allPlaces(layout.All, limatype.X8664)) {
		t.Errorf("%+v", list)
	}
}

// The workspace comes after the programs, and reports what it needs, or why it is none.
func TestSourceCandidate(t *testing.T) {
	project := t.TempDir()
	put(t, project, "Cargo.toml", []byte("[package]\nname = \"world-agent\"\nrust-version = \"1.70\"\n"))
	_, found, rejected := explained(t, "", project, false)
	missing := Missing(project, limatype.X8664, rejected, layout.All)
	if one := found["Cargo.toml"]; one.Taken || !strings.Contains(one.Why, "no Cargo.lock") ||
		!strings.Contains(missing.Why, "no Cargo.lock") {
		t.Errorf("without a lock: %+v, %+v", one, missing)
	}
	put(t, project, "Cargo.lock", []byte("version = 4\n[[package]]\nname = \"world-agent\"\n"))
	_, found, _ = explained(t, "", project, false)
	const needs = "cargo 1.78 or later, by its Cargo.lock of version 4 and rustc 1.70 or later"
	if one := found["Cargo.toml"]; !one.Taken || !strings.Contains(one.Why, needs) {
		t.Errorf("%+v", one)
	}
	if _, found, _ = explained(t, "", project, true); !strings.Contains(found["Cargo.toml"].Why, "--rebuild-agent") {
		t.Errorf("a VM that may have one: %+v", found["Cargo.toml"])
	}
	if _, found, _ = explained(t, Build, project, false); !found["--agent build"].Taken {
		t.Errorf("asked for: %+v", found)
	}
	put(t, project, "bin/world-agent", newProgram(elf.EM_X86_64).bytes())
	if _, found, _ = explained(t, "", project, false); found["Cargo.toml"].Taken ||
		found["Cargo.toml"].Why != "an earlier one was taken" {
		t.Errorf("%+v", found["Cargo.toml"])
	}
}

func TestNamedCandidate(t *testing.T) {
	list, _, _ := explained(t, Builtin, t.TempDir(), false)
	if len(list) != 1 || !list[0].Taken || !strings.Contains(list[0].Why, "runs no commands") {
		t.Errorf("the probe: %+v", list)
	}
	program := put(t, t.TempDir(), "mine", newProgram(elf.EM_X86_64).bytes())
	if list, _, _ = explained(t, program, t.TempDir(), false); len(list) != 2 || !list[0].Taken ||
		list[1].From != "--agent builtin" {
		t.Errorf("a file: %+v", list)
	}
}
