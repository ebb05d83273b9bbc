package provision_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

// elfProgram resembles a program for this machine's processor, and holds words.
func elfProgram(t *testing.T, words string) string {
	t.Helper()
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
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
