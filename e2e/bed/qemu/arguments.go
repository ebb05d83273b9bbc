//go:build linux

package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/atomize-hq/worldsetup/e2e/bed/wire"
)

// capabilities is the answer to what Lima asks of QEMU before it starts one.
func capabilities(args []string) (answer string, ok bool) {
	for _, question := range []struct{ option, value, answer string }{
		{"--version", "", "QEMU emulator version 9.0.0 (worldsetup's test bed: a container)"},
		{"-version", "", "QEMU emulator version 9.0.0 (worldsetup's test bed: a container)"},
		{"-accel", "help", "Accelerators supported in QEMU binary:\ntcg\nkvm"},
		{"-netdev", "help", "Available netdev backend types:\nsocket\nuser\ntap"},
		{"-machine", "help", "Supported machines are:\nq35 Standard PC\nvirt ARM Virtual Machine"},
		{"-M", "help", "Supported machines are:\nq35 Standard PC\nvirt ARM Virtual Machine"},
		{"-cpu", "help", "Available CPUs:\n  host\n  max\n  qemu64"},
	} {
		at := slices.Index(args, question.option)
		if at < 0 || question.value != "" && (at+1 == len(args) || args[at+1] != question.value) {
			continue
		}
		return question.answer, true
	}
	return "", false
}

// machine is what the command line asks for.
type machine struct {
	disk, cidata  string // image files
	root          string // the name of the root file system
	forward       string // the address whose connections go to the guest's ssh server
	qmp, pidFile  string
	serialLogs    []string
	serialSockets []string
}

var forwarded = regexp.MustCompile(`hostfwd=tcp:([0-9.]*:[0-9]+)-:22`)

// parse reads the part of QEMU's command line that matters to a container. The rest, such as devices, is ignored.
func parse(args []string) (machine, error) {
	var m machine
	for i := 0; i+1 < len(args); i++ {
		value := args[i+1]
		options := split(value)
		switch args[i] {
		case "-drive":
			switch options["id"] {
			case "boot-disk":
				m.disk = options["file"]
			case "cdrom0":
				m.cidata = options["file"]
			case "": // Lima 2.0 gives it no name
				if options["if"] == "virtio" && m.disk == "" {
					m.disk = options["file"]
				}
			}
		case "-netdev":
			if match := forwarded.FindStringSubmatch(value); match != nil {
				m.forward = match[1]
			}
		case "-chardev":
			if options["id"] == "char-qmp" {
				m.qmp = options["path"]
			} else if log := options["logfile"]; log != "" {
				m.serialLogs, m.serialSockets = append(m.serialLogs, log), append(m.serialSockets, options["path"])
			}
		case "-pidfile":
			m.pidFile = value
		case "-append":
			for word := range strings.FieldsSeq(value) {
				if name, ok := strings.CutPrefix(word, wire.RootArgument); ok {
					m.root = name
				}
			}
		}
	}
	for what, value := range map[string]string{
		"-drive id=boot-disk": m.disk, "-drive id=cdrom0": m.cidata, "-netdev hostfwd": m.forward,
		"-chardev id=char-qmp": m.qmp, "-pidfile": m.pidFile, "-append " + wire.RootArgument: m.root,
	} {
		if value == "" {
			return m, fmt.Errorf("the command line has no %s: %q", what, args)
		}
	}
	if len(m.serialLogs) == 0 {
		return m, errors.New("the command line has no serial port with a log file")
	}
	return m, nil
}

// split reads QEMU's comma-separated key=value pairs.
func split(text string) map[string]string {
	options := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		options[key] = value
	}
	return options
}
