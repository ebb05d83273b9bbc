package agent

import (
	"debug/elf"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// Companions come from the agent's places, in the same order; what could not run is rejected.
func TestFindCompanions(t *testing.T) {
	project, content := t.TempDir(), newProgram(elf.EM_X86_64).bytes()
	put(t, project, "bin/substrate-gateway", []byte("\xcf\xfa\xed\xfe of a Mac"))
	gateway := put(t, project, "target/debug/substrate-gateway", content)
	put(t, project, "target/release/substrate", newProgram(elf.EM_AARCH64).bytes())

	found, left := FindCompanions(project, limatype.X8664, layout.AgentV1, "")
	if len(found) != 1 || found[0].Name != "substrate-gateway" || found[0].Path != gateway ||
		found[0].SHA256 != sum(content) {
		t.Errorf("found %+v", found)
	}
	if len(left) != 2 || !strings.Contains(left[0].Why, "Mach-O") || !strings.Contains(left[1].Why, "aarch64") {
		t.Errorf("left out %+v", left)
	}
	if found, left := FindCompanions(t.TempDir(), limatype.X8664, layout.AgentV1, ""); found != nil || left != nil {
		t.Errorf("of nothing: %v, %v", found, left)
	}
}

func TestCompanionCandidates(t *testing.T) {
	project := t.TempDir()
	put(t, project, "bin/substrate", newProgram(elf.EM_X86_64).bytes())
	put(t, project, "bin/substrate-gateway", []byte("#!/bin/sh\n"))
	found, rejected := FindCompanions(project, limatype.X8664, layout.AgentV1, "")
	var lines []string
	for _, one := range CompanionCandidates(project, layout.AgentV1, found, nil, rejected) {
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

// The programs of the profile that is built come before those of others.
func TestFindCompanionsOfProfile(t *testing.T) {
	project, content := t.TempDir(), newProgram(elf.EM_X86_64).bytes()
	put(t, project, "target/release/substrate", content)
	for profile, want := range map[string]string{
		"debug": put(t, project, "target/debug/substrate", content),
		"small": put(t, project, "target/small/substrate", content),
		"none":  project + "/target/release/substrate",
	} {
		if found, _ := FindCompanions(project, limatype.X8664, layout.AgentV1, profile); len(found) != 1 ||
			found[0].Path != want {
			t.Errorf("%s: %+v", profile, found)
		}
	}
}

// The gateway is a package, and the CLI a program of whichever package has it.
func TestFindCompanionSources(t *testing.T) {
	const lock = "version = 4\n[[package]]\nname = \"substrate-gateway\"\n[[package]]\nname = \"shell\"\n"
	const gateway, shell = "[package]\nname = \"substrate-gateway\"\nrust-version = \"1.80\"\n",
		"[package]\nname = \"shell\"\n[[bin]]\nname = \"substrate\"\n"
	files := map[string]string{
		"Cargo.toml": "[workspace]\nmembers = [\"crates/*\"]\n", "Cargo.lock": lock,
		"crates/a/Cargo.toml": gateway, "crates/b/Cargo.toml": shell,
	}
	sources, rejected := FindCompanionSources(tree(t, files), layout.AgentV1)
	if len(sources) != 2 || sources[0].Source.Rust != "1.80" || sources[1].Name != "substrate" || len(rejected) > 0 {
		t.Errorf("%+v, %+v", sources, rejected)
	}
	files["crates/b/Cargo.toml"] = "[package]\nname = \"shell\"\n"
	sources, rejected = FindCompanionSources(tree(t, files), layout.AgentV1)
	if len(sources) != 1 || len(rejected) != 1 || !strings.Contains(rejected[0].Why, "no package substrate") {
		t.Errorf("%+v, %+v", sources, rejected)
	}
	if sources, rejected := FindCompanionSources(t.TempDir(), layout.AgentV1); sources != nil || rejected != nil {
		t.Errorf("of nothing: %v, %v", sources, rejected)
	}
}
