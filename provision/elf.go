package provision

import (
	"bytes"
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

// The sizes of what an ELF file for a 64-bit processor is read by, in bytes.
const (
	headerSize  = 64
	programSize = 56
	sectionSize = 64
)

// checkELF says why content is not a whole Linux program for arch; nil when it is.
// The rules are: only what the guest's kernel would refuse, or what shows that a part of the file is missing, counts; and
// every number in the file may be a lie, so each is compared with the file's length before it is used.
func checkELF(content []byte, arch limatype.Arch) error {
	machine, ok := machines[arch]
	if !ok {
		return fmt.Errorf("worlds exist for %s and %s, not for %s", limatype.X8664, limatype.AARCH64, arch)
	}
	if err := checkMagic(content); err != nil {
		return err
	}
	header, err := readHeader(content, machine)
	if err != nil {
		return err
	}
	if err := checkSegments(content, header); err != nil {
		return err
	}
	return checkSections(content, header)
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
	if bytes.HasPrefix(content, []byte(elf.ELFMAG)) {
		return nil
	}
	if bytes.HasPrefix([]byte(elf.ELFMAG), content) {
		return errTruncated("its header")
	}
	return errors.New("it is not an ELF file, the form of programs on Linux")
}

// readHeader reads the file's header, as far as it must be one of a program for machine.
func readHeader(content []byte, machine elf.Machine) (header elf.Header64, err error) {
	if len(content) < elf.EI_NIDENT {
		return header, errTruncated("its header")
	}
	// The identification comes first: it says how to read the rest.
	class, data := elf.Class(content[elf.EI_CLASS]), elf.Data(content[elf.EI_DATA])
	abi := elf.OSABI(content[elf.EI_OSABI])
	switch {
	case class == elf.ELFCLASS32:
		return header, fmt.Errorf("it is for a 32-bit processor, and the VM's is %s", processorName(machine))
	case class != elf.ELFCLASS64:
		return header, fmt.Errorf("its class is %d, and 64-bit programs have %d", class, elf.ELFCLASS64)
	case data == elf.ELFDATA2MSB:
		return header, fmt.Errorf("it is for a big-endian processor, and the VM's is %s", processorName(machine))
	case data != elf.ELFDATA2LSB:
		return header, fmt.Errorf("its byte order is %d, and %s has %d", data, processorName(machine), elf.ELFDATA2LSB)
	case abi != elf.ELFOSABI_NONE && abi != elf.ELFOSABI_LINUX:
		return header, fmt.Errorf("it is for another system than Linux (%v)", abi)
	case len(content) < headerSize:
		return header, errTruncated("its header")
	}
	if _, err := binary.Decode(content, binary.LittleEndian, &header); err != nil {
		return header, errTruncated("its header")
	}
	found, kind := elf.Machine(header.Machine), elf.Type(header.Type)
	switch {
	case found != machine:
		return header, fmt.Errorf("it is for the processor %s, and the VM's is %s", processorName(found), processorName(machine))
	case kind != elf.ET_EXEC && kind != elf.ET_DYN:
		return header, fmt.Errorf("it is not an executable (%v)", kind)
	case header.Entry == 0:
		return header, errors.New("it is a library, not a program: it has no entry point")
	}
	return header, nil
}

// checkSegments makes sure that everything that the kernel would load is in the file.
func checkSegments(content []byte, header elf.Header64) error {
	if header.Phnum == 0 || header.Phentsize != programSize {
		return errors.New("it is not an executable: it has no program headers")
	}
	table, ok := cut(content, header.Phoff, uint64(header.Phnum)*programSize)
	if !ok {
		return errTruncated("its program headers")
	}
	loads := 0
	for ; len(table) > 0; table = table[programSize:] {
		var segment elf.Prog64
		if _, err := binary.Decode(table, binary.LittleEndian, &segment); err != nil {
			return errTruncated("its program headers")
		}
		if _, ok := cut(content, segment.Off, segment.Filesz); !ok {
			return errTruncated("a segment of it")
		}
		if elf.ProgType(segment.Type) == elf.PT_LOAD {
			loads++
		}
	}
	if loads == 0 {
		return errors.New("it is not an executable: nothing in it would be loaded")
	}
	return nil
}

// checkSections makes sure that the section headers are in the file. The kernel needs none; but linkers put them last, so
// that a file whose end is missing lacks them first.
func checkSections(content []byte, header elf.Header64) error {
	if header.Shoff == 0 {
		return nil // stripped of them
	}
	if header.Shentsize != sectionSize {
		return fmt.Errorf("its section headers have %d bytes each, and not %d", header.Shentsize, sectionSize)
	}
	// With 65,280 sections or more, Shnum is 0 and the first section's size is their number.
	first, ok := cut(content, header.Shoff, sectionSize)
	if !ok {
		return errTruncated("its section headers")
	}
	count := uint64(header.Shnum)
	if count == 0 {
		count = binary.LittleEndian.Uint64(first[32:])
	}
	if count > uint64(len(content))/sectionSize {
		return errTruncated("its section headers")
	}
	if _, ok := cut(content, header.Shoff, count*sectionSize); !ok {
		return errTruncated("its section headers")
	}
	return nil
}

// cut is content[offset:offset+length], if there is that much.
func cut(content []byte, offset, length uint64) ([]byte, bool) {
	size := uint64(len(content))
	if offset > size || length > size-offset {
		return nil, false
	}
	return content[offset : offset+length], true
}

func errTruncated(part string) error {
	return fmt.Errorf("it is truncated: %s reaches past its end", part)
}

// processorName is a processor as Lima calls it, or as the ELF standard does.
func processorName(machine elf.Machine) string {
	for arch, known := range machines {
		if known == machine {
			return arch
		}
	}
	return machine.String()
}
