package checks

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"
)

// qemu checks that the programs by which Lima runs a VM of QEMU for arch are there.
func qemu(h Host, arch limatype.Arch) Check {
	wanted := qemuX86Packages
	if arch == limatype.AARCH64 {
		wanted = qemuARMPackages
	}
	return Check{
		ID: "qemu", Title: "QEMU",
		Probe: func(context.Context) Finding {
			command, err := readQEMU(arch, h.Getenv)
			if err != nil {
				return failed(fmt.Sprintf("%s cannot be read", command.variable), err.Error(),
					fmt.Sprintf("correct it, or do without it: unset %s", command.variable))
			}
			path, err := h.Find(command.program)
			if err != nil && command.own {
				return failed(fmt.Sprintf("%s, which %s names, is not installed", command.program, command.variable), err.Error(),
					fmt.Sprintf("correct it, or do without it: unset %s", command.variable))
			}
			if err != nil {
				return h.missing("QEMU is not installed", err.Error(), wanted)
			}
			if _, err := h.Find("qemu-img"); err != nil {
				return h.missing("QEMU's disk tool is not installed", err.Error(), wanted)
			}
			return ok("%s", path)
		},
	}
}

// qemuCommand is how Lima calls QEMU.
type qemuCommand struct {
	variable string // the environment variable that may say so
	own      bool   // it does
	program  string
	args     []string // put before Lima's own
}

// readQEMU reads the variable QEMU_SYSTEM_<ARCH> as Lima does (its qemu.Exe): a program and arguments for it.
func readQEMU(arch limatype.Arch, getenv func(string) string) (qemuCommand, error) {
	command := qemuCommand{variable: "QEMU_SYSTEM_" + strings.ToUpper(arch), program: "qemu-system-" + arch}
	value := getenv(command.variable)
	if value == "" {
		return command, nil
	}
	words, err := splitWords(value)
	if err != nil {
		return command, err
	}
	if len(words) == 0 {
		return command, errors.New("it holds nothing but spaces, on which limactl crashes")
	}
	command.own, command.program, command.args = true, words[0], words[1:]
	return command, nil
}

// splitWords splits text into words as a shell does, without expanding anything.
func splitWords(text string) (words []string, err error) {
	var word strings.Builder
	var quote rune // ' or " while inside of them
	inWord, escaped := false, false
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			inWord, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			inWord, quote = true, r
		case quote == 0 && strings.ContainsRune(" \t\r\n", r):
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			inWord = true
			word.WriteRune(r)
		}
	}
	if quote != 0 || escaped {
		return nil, fmt.Errorf("a quote in it is not closed: %s", text)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
