package provision_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/internal/platform"
	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// elfProgram resembles a program for this machine's processor, and holds words.
func elfProgram(t *testing.T, words string) string {
	t.Helper()
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[platform.Arch()]
	size := uint64(64 + 56 + len(words))
	header := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: 1, Entry: 64 + 56, Phoff: 64,
		Ehsize: 64, Phentsize: 56, Phnum: 1}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64),
		byte(elf.ELFDATA2LSB), 1
	var content bytes.Buffer
	for _, part := range []any{header,
		elf.Prog64{Type: uint32(elf.PT_LOAD), Filesz: size, Memsz: size}, []byte(words)} {
		if err := binary.Write(&content, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return content.String()
}

// TestCompanions: installed on the first run, copied again only when they changed, and left alone when the project has
// none.
func TestCompanions(t *testing.T) {
	b := newBench(t)
	b.write(t, "bin/substrate", elfProgram(t, "one"))
	b.write(t, "bin/substrate-gateway", "\xcf\xfa\xed\xfe of a Mac")
	b.mustRun(t)
	if !slices.Contains(b.steps(), provision.StepCompanions) {
		t.Errorf("the steps were %v", b.steps())
	}
	b.mustRun(t)
	if len(b.steps()) > 0 {
		t.Errorf("nothing had changed, and the steps were %v", b.steps())
	}
	b.write(t, "bin/substrate", elfProgram(t, "another"))
	b.mustRun(t)
	if !slices.Equal(b.steps(), []provision.StepID{provision.StepCompanions}) {
		t.Errorf("one had changed, and the steps were %v", b.steps())
	}
	if err := os.Remove(filepath.Join(b.spec.Project, "bin/substrate")); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t)
	if print := b.VM("substrate").Fingerprint(); len(b.steps()) > 0 || !strings.Contains(print,
		"/usr/local/bin/substrate") || strings.Contains(print, "substrate-gateway") {
		t.Errorf("the steps were %v on\n%s", b.steps(), print)
	}
}

// TestBuildCompanions: what the project has no program for is built after the agent was started, with a wrapper for the
// CLI; then it is enough that it is there.
func TestBuildCompanions(t *testing.T) {
	b := newWorkspace(t, cargo{has: "1.90"})
	b.write(t, "Cargo.lock", "version = 4\n[[package]]\nname = \"world-agent\"\n[[package]]\nname = "+
		"\"substrate-gateway\"\n"+
		"[[package]]\nname = \"shell\"\n")
	b.write(t, "crates/gateway/Cargo.toml", "[package]\nname = \"substrate-gateway\"\nrust-version = \"1.89\"\n")
	b.write(t, "crates/shell/Cargo.toml", "[package]\nname = \"shell\"\n[[bin]]\nname = \"substrate\"\n")
	b.mustRun(t)
	if len(b.cargo.built) != 1 || b.health(t, "substrate-gateway").Outcome != provision.Warning {
		t.Errorf("without being asked: %+v", b.cargo.built)
	}
	b.spec.Companions, b.spec.BuildProfile = provision.CompanionsBuild, "small"
	b.mustRun(t)
	if !slices.Equal(b.steps(), []provision.StepID{provision.StepCompanionBuild}) {
		t.Errorf("the steps were %v", b.steps())
	}
	if made := b.cargo.built[1]; len(made.Targets) != 2 || made.Profile != "small" || made.Rust != "1.89" {
		t.Errorf("%+v", made)
	}
	b.wantNothingLeft(t)
	for _, path := range layout.AgentV1.CompanionFiles() {
		if !b.VM("substrate").HasFile(path) {
			t.Errorf("%s is missing", path)
		}
	}
	for _, choice := range []provision.Companions{provision.CompanionsBuild, provision.CompanionsFound,
		provision.CompanionsNone} {
		b.spec.Companions = choice
		if b.mustRun(t); len(b.steps()) > 0 {
			t.Errorf("%s again: %v", choice, b.steps())
		}
	}
	b.spec.Companions = provision.CompanionsBuild
	b.VM("substrate").Put("/usr/local/bin/world", "#!/bin/sh\n")
	b.mustRun(t)
	if !slices.Equal(b.steps(), []provision.StepID{provision.StepCompanions}) {
		t.Errorf("another wrapper: %v", b.steps())
	}
}

// TestSkipGuestBuild: nothing is built, and what can't be had without says so.
func TestSkipGuestBuild(t *testing.T) {
	b := newWorkspace(t, cargo{has: "1.90"})
	b.spec.SkipGuestBuild = true
	wantKind(t, b.run(t), provision.KindPrerequisite, "no agent to put", "SUBSTRATE_LIMA_SKIP_GUEST_BUILD")
	b.spec.Agent = provision.AgentBuild
	wantKind(t, b.run(t), provision.KindUsage, "nothing may be built")
	b.spec.Agent, b.spec.Companions = provision.AgentBuiltin, provision.CompanionsBuild
	b.mustRun(t)
	if len(b.cargo.built) > 0 {
		t.Errorf("it built %+v", b.cargo.built)
	}
}

// health returns an item of the report.
func (b *bench) health(t *testing.T, id string) (found provision.Item) {
	t.Helper()
	health, err := b.setup().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range health.Items {
		if item.ID == id {
			found = item
		}
	}
	return found
}
