package agent

import (
	"debug/elf"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// Companions come from the agent's places, in the same order; what could not run is rejected.
func TestFindCompanions(t *testing.T) {
	project, content := t.TempDir(), newProgram(elf.EM_X86_64).bytes()
	put(t, project, "bin/substrate-gateway", []byte("\xcf\xfa\xed\xfe of a Mac"))
	gateway := put(t, project, "target/debug/substrate-gateway", content)
	put(t, project, "target/release/substrate", newProgram(elf.EM_AARCH64).bytes())

	found, left := FindCompanions(project, limatype.X8664)
	if len(found) != 1 || found[0].Name != "substrate-gateway" || found[0].Path != gateway ||
		found[0].SHA256 != sum(content) {
		t.Errorf("found %+v", found)
	}
	if len(left) != 2 || !strings.Contains(left[0].Why, "Mach-O") || !strings.Contains(left[1].Why, "aarch64") {
		t.Errorf("left out %+v", left)
	}
	if found, left := FindCompanions(t.TempDir(), limatype.X8664); found != nil || left != nil {
		t.Errorf("of nothing: %v, %v", found, left)
	}
}

func TestCompanionCandidates(t *testing.T) {
	project := t.TempDir()
	put(t, project, "bin/substrate", newProgram(elf.EM_X86_64).bytes())
	put(t, project, "bin/substrate-gateway", []byte("#!/bin/sh\n"))
	found, rejected := FindCompanions(project, limatype.X8664)
	var lines []string
	for _, one := range CompanionCandidates(project, found, rejected) {
		lines = append(lines, strings.TrimPrefix(one.From, project+"/")+": "+one.Why)
	}
	text := strings.Join(lines, "\n")
	for _, words := range []string{"bin/substrate-gateway: it is a script",
		"substrate-gateway: the project has none", "bin/substrate: installed beside the agent"} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is not in\n%s", words, text)
		}
	}
}
