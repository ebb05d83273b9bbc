package agent

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// program is a small ELF file: header, one program header, four bytes of code, and two section headers at the end.
type program struct {
	header   elf.Header64
	segment  elf.Prog64
	sections [2]elf.Section64
}

func newProgram(machine elf.Machine) program {
	const code = headerSize + segmentSize
	p := program{
		header: elf.Header64{
			Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: 1, Entry: code,
			Phoff: headerSize, Shoff: code + 4,
			Ehsize: headerSize, Phentsize: segmentSize, Phnum: 1, Shentsize: sectionSize, Shnum: 2,
		},
		segment: elf.Prog64{Type: uint32(elf.PT_LOAD), Filesz: code + 4, Memsz: 4096},
	}
	copy(p.header.Ident[:], elf.ELFMAG)
	p.header.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	p.header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2LSB)
	p.header.Ident[elf.EI_VERSION] = 1
	return p
}

func (p program) bytes() []byte {
	var file bytes.Buffer
	for _, part := range []any{p.header, p.segment, []byte{0x90, 0x90, 0x90, 0xf4}, p.sections} {
		if err := binary.Write(&file, binary.LittleEndian, part); err != nil {
			panic(err)
		}
	}
	return file.Bytes()
}

// with is the file of a program for x86_64 in which something was changed.
func with(change func(p *program)) []byte {
	p := newProgram(elf.EM_X86_64)
	change(&p)
	return p.bytes()
}

func TestCheckELF(t *testing.T) {
	whole := newProgram(elf.EM_X86_64).bytes()
	if _, err := elf.NewFile(bytes.NewReader(whole)); err != nil {
		t.Fatalf("the test's own file is no ELF: %v", err)
	}
	for name, test := range map[string]struct {
		content []byte
		why     string // empty for a file that is right
	}{
		"whole":   {whole, ""},
		"static":  {with(func(p *program) { p.header.Type = uint16(elf.ET_EXEC) }), ""},
		"GNU ABI": {with(func(p *program) { p.header.Ident[elf.EI_OSABI] = byte(elf.ELFOSABI_LINUX) }), ""},
		"no sections": {with(func(p *program) { p.header.Shoff, p.header.Shnum = 0, 0 })[:headerSize+segmentSize+4],
			""},
		"many sections": {with(func(p *program) {
			p.header.Shnum = 0
			p.sections[0].Size = 2
		}), ""},

		"empty":          {nil, "it is empty"},
		"script":         {[]byte("#!/bin/sh\nexec world-agent\n"), "a script"},
		"Mach-O":         {[]byte("\xcf\xfa\xed\xfe\x0c\x00\x00\x01"), "a Mach-O file, a program for macOS"},
		"Mach-O, 32-bit": {[]byte("\xfe\xed\xfa\xce\x00\x00\x00\x12"), "a Mach-O file"},
		"fat Mach-O":     {[]byte("\xca\xfe\xba\xbe\x00\x00\x00\x02"), "a universal Mach-O file"},
		"Windows":        {[]byte("MZ\x90\x00"), "Windows"},
		"archive":        {[]byte("!<arch>\nfoo.o/"), "archive"},
		"text":           {[]byte("version https://git-lfs.github.com/spec/v1\n"), "not an ELF file"},
		"zeros":          {make([]byte, 4096), "not an ELF file"},

		"32-bit":     {with(func(p *program) { p.header.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS32) }), "32-bit"},
		"no class":   {with(func(p *program) { p.header.Ident[elf.EI_CLASS] = 0 }), "class"},
		"big-endian": {with(func(p *program) { p.header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB) }), "big-endian"},
		"no order":   {with(func(p *program) { p.header.Ident[elf.EI_DATA] = 9 }), "byte order"},
		"FreeBSD": {with(func(p *program) { p.header.Ident[elf.EI_OSABI] = byte(elf.ELFOSABI_FREEBSD) }),
			"FREEBSD"},
		"other CPU":   {newProgram(elf.EM_AARCH64).bytes(), "it is for the processor aarch64, and the VM's is x86_64"},
		"RISC-V":      {newProgram(elf.EM_RISCV).bytes(), "EM_RISCV"},
		"object":      {with(func(p *program) { p.header.Type = uint16(elf.ET_REL) }), "not an executable (ET_REL)"},
		"core":        {with(func(p *program) { p.header.Type = uint16(elf.ET_CORE) }), "not an executable (ET_CORE)"},
		"library":     {with(func(p *program) { p.header.Entry = 0 }), "a library"},
		"no segments": {with(func(p *program) { p.header.Phnum = 0 }), "no program headers"},
		"odd entries": {with(func(p *program) { p.header.Phentsize = 32 }), "no program headers"},
		"no load":     {with(func(p *program) { p.segment.Type = uint32(elf.PT_NOTE) }), "it has nothing to load"},
		"odd section": {with(func(p *program) { p.header.Shentsize = 40 }), "section headers have 40 bytes"},

		"segments beyond the end": {with(func(p *program) { p.header.Phoff = 1 << 40 }), "its program headers"},
		"segments past the end":   {with(func(p *program) { p.header.Phnum = 9 }), "its program headers"},
		"segment past the end":    {with(func(p *program) { p.segment.Filesz = 1 << 20 }), "a segment"},
		"segment overflows": {with(func(p *program) { p.segment.Off, p.segment.Filesz = 8, 1<<64-1 }),
			"a segment"},
		"sections beyond the end": {with(func(p *program) { p.header.Shoff = 1<<64 - 1 }), "its section headers"},
		"sections past the end":   {with(func(p *program) { p.header.Shnum = 99 }), "its section headers"},
		"sections overflow": {with(func(p *program) {
			p.header.Shnum = 0
			p.sections[0].Size = 1 << 58
		}), "its section headers"},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkELF(test.content, limatype.X8664)
			switch {
			case test.why == "" && err != nil:
				t.Error(err)
			case test.why != "" && (err == nil || !strings.Contains(err.Error(), test.why)):
				t.Errorf("%v, want %q", err, test.why)
			}
		})
	}
	if err := checkELF(newProgram(elf.EM_AARCH64).bytes(), limatype.AARCH64); err != nil {
		t.Error(err)
	}
	if err := checkELF(newProgram(elf.EM_RISCV).bytes(), limatype.RISCV64); err == nil {
		t.Error("there are no worlds for RISC-V yet")
	}
}

// A copy that was interrupted can end anywhere.
func TestCheckELFTruncated(t *testing.T) {
	whole := newProgram(elf.EM_X86_64).bytes()
	for length := 1; length < len(whole); length++ {
		err := checkELF(whole[:length], limatype.X8664)
		if err == nil || !strings.Contains(err.Error(), "truncated") {
			t.Errorf("the first %d of %d bytes: %v", length, len(whole), err)
		}
	}
}

func FuzzCheckELF(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("#!/bin/sh\n"))
	f.Add(newProgram(elf.EM_X86_64).bytes())
	f.Add(newProgram(elf.EM_AARCH64).bytes())
	f.Add(with(func(p *program) { p.header.Shnum = 0; p.sections[0].Size = 1 << 58 }))
	f.Fuzz(func(t *testing.T, content []byte) {
		for arch := range machines {
			if err := checkELF(content, arch); err == nil && len(content) < headerSize+segmentSize {
				t.Errorf("%d bytes are no program", len(content))
			}
		}
	})
}

// A hostile file must not cost more memory than its program headers may have, whatever it claims.
func TestCheckELFIsBounded(t *testing.T) {
	const size = 32 << 20
	content := make([]byte, size)
	copy(content, with(func(p *program) {
		p.header.Shnum, p.header.Phnum = 0, 65535
		p.sections[0].Size = size/sectionSize - 100
	}))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := checkELF(content, limatype.X8664)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("%d bytes were allocated (%v)", used, err)
	}
}
