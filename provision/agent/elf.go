package agent

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// machines are the processors that worlds exist for, as an ELF header names them. Both are 64-bit and little-endian.
var machines = map[limatype.Arch]elf.Machine{
	limatype.X8664:   elf.EM_X86_64,
	limatype.AARCH64: elf.EM_AARCH64,
}

// The sizes of debug/elf's structures, in bytes.
const (
	headerSize  = 64
	segmentSize = 56
	sectionSize = 64
)

// checkELF returns why content is not a complete Linux program for arch; nil when it is. It decodes debug/elf's
// structures and does not call [elf.NewFile]: that one unpacks the table of section names (a hostile file of 0.5 MiB
// made it allocate 2.6 GiB), refuses files that the kernel runs, for the sake of that table, and accepts sizes that the
// kernel refuses.
//
// The rules are: only what the guest's kernel would refuse, or what shows that a part of the file is missing, counts;
// and every number in the file may be a lie, so each is compared with the file's length before it is used.
func checkELF(content []byte, arch limatype.Arch) error {
	machine, ok := machines[arch]
	if !ok {
		return fmt.Errorf("worlds exist for %s and %s, not for %s", limatype.X8664, limatype.AARCH64, arch)
	}
	if err := checkMagic(content); err != nil {
		return err
	}
	var header elf.Header64
	if _, err := binary.Decode(content, binary.LittleEndian, &header); err != nil {
		return errTruncated("its header")
	}
	return cmp.Or(checkHeader(header, machine), checkSegments(content, header), checkSections(content, header))
}

// magics are the beginnings of files that are found in an agent's place, and what such a file is.
var magics = []struct{ begin, is string }{
	{"#!", "a script, not a compiled program"},
	{"\xfe\xed\xfa\xce", "a Mach-O file, a program for macOS"},
	{"\xfe\xed\xfa\xcf", "a Mach-O file, a program for macOS"},
	{"\xce\xfa\xed\xfe", "a Mach-O file, a program for macOS"},
	{"\xcf\xfa\xed\xfe", "a Mach-O file, a program for macOS"},
	{"\xca\xfe\xba\xbe", "a universal Mach-O file, a program for macOS"},
	{"\xca\xfe\xba\xbf", "a universal Mach-O file, a program for macOS"},
	{"MZ", "a program for Windows"},
	{"!<arch>\n", "a library archive, not a program"},
	{"\x1f\x8b", "compressed with gzip; unpack it first"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first"},
}

func checkMagic(content []byte) error {
	if len(content) == 0 {
		return errors.New("it is empty")
	}
	for _, magic := range magics {
		if bytes.HasPrefix(content, []byte(magic.begin)) {
			return fmt.Errorf("it is %s", magic.is)
		}
	}
	if bytes.HasPrefix(content, []byte(elf.ELFMAG)) || bytes.HasPrefix([]byte(elf.ELFMAG), content) {
		return nil
	}
	return errors.New("it is not an ELF file, the form of programs on Linux")
}

// checkHeader compares the header with that of a program for machine.
func checkHeader(header elf.Header64, machine elf.Machine) error {
	// The identification comes first: it reports how to read the rest.
	class, data := elf.Class(header.Ident[elf.EI_CLASS]), elf.Data(header.Ident[elf.EI_DATA])
	abi := elf.OSABI(header.Ident[elf.EI_OSABI])
	found, kind := elf.Machine(header.Machine), elf.Type(header.Type)
	switch {
	case class == elf.ELFCLASS32:
		return fmt.Errorf("it is for a 32-bit processor, and the VM's is %s", processorName(machine))
	case class != elf.ELFCLASS64:
		return fmt.Errorf("its class is %d, and 64-bit programs have %d", class, elf.ELFCLASS64)
	case data == elf.ELFDATA2MSB:
		return fmt.Errorf("it is for a big-endian processor, and the VM's is %s", processorName(machine))
	case data != elf.ELFDATA2LSB:
		return fmt.Errorf("its byte order is %d, and %s has %d", data, processorName(machine), elf.ELFDATA2LSB)
	case abi != elf.ELFOSABI_NONE && abi != elf.ELFOSABI_LINUX:
		return fmt.Errorf("it is for another system than Linux (%v)", abi)
	case found != machine:
		return fmt.Errorf("it is for the processor %s, and the VM's is %s",
			processorName(found), processorName(machine))
	case kind != elf.ET_EXEC && kind != elf.ET_DYN:
		return fmt.Errorf("it is not an executable (%v)", kind)
	case header.Entry == 0:
		return errors.New("it is a library, not a program: it has no entry point")
	case header.Phnum == 0 || header.Phentsize != segmentSize:
		return errors.New("it is not an executable: it has no program headers")
	case header.Shoff != 0 && header.Shentsize != sectionSize:
		return fmt.Errorf("its section headers have %d bytes each, and not %d", header.Shentsize, sectionSize)
	}
	return nil
}

// checkSegments checks that everything that the kernel would load is in the file.
func checkSegments(content []byte, header elf.Header64) error {
	segments := make([]elf.Prog64, header.Phnum)
	if !decode(content, header.Phoff, uint64(header.Phnum)*segmentSize, segments) {
		return errTruncated("its program headers")
	}
	loads := false
	for _, segment := range segments {
		if !contains(content, segment.Off, segment.Filesz) {
			return errTruncated("a segment of it")
		}
		loads = loads || elf.ProgType(segment.Type) == elf.PT_LOAD
	}
	if !loads {
		return errors.New("it is not an executable: it has nothing to load")
	}
	return nil
}

// checkSections checks that the section headers are in the file. The kernel needs none; but linkers put them last, so
// that a file whose end is missing lacks them first.
func checkSections(content []byte, header elf.Header64) error {
	if header.Shoff == 0 {
		return nil // they were stripped
	}
	count := uint64(header.Shnum)
	if count == 0 { // with 65,280 sections or more, the first section's size is their number
		var first elf.Section64
		if !decode(content, header.Shoff, sectionSize, &first) {
			return errTruncated("its section headers")
		}
		count = first.Size
	}
	if count > uint64(len(content))/sectionSize || !contains(content, header.Shoff, count*sectionSize) {
		return errTruncated("its section headers")
	}
	return nil
}

// contains reports whether content[offset:offset+length] exists.
func contains(content []byte, offset, length uint64) bool {
	size := uint64(len(content))
	return offset <= size && length <= size-offset
}

// decode reads content[offset:offset+length] into a structure, and returns false when that is not there.
func decode(content []byte, offset, length uint64, into any) bool {
	if !contains(content, offset, length) {
		return false
	}
	_, err := binary.Decode(content[offset:offset+length], binary.LittleEndian, into)
	return err == nil
}

func errTruncated(part string) error {
	return fmt.Errorf("it is truncated: %s reaches past its end", part)
}

// processorName returns a processor's name as Lima has it, or the ELF standard.
func processorName(machine elf.Machine) string {
	for arch, known := range machines {
		if known == machine {
			return arch
		}
	}
	return machine.String()
}
