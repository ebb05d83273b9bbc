//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
)

// As Lima 2.1.4 starts QEMU, shortened.
var limasArguments = strings.Split(
	`-machine|q35,accel=tcg|-m|4096|-drive|file=/h/vm/disk,if=none,discard=on,id=boot-disk|`+
		`-drive|id=cdrom0,if=none,format=raw,readonly=on,file=/h/vm/cidata.iso|`+
		`-netdev|user,id=net0,net=192.168.5.0/24,dhcpstart=192.168.5.15,hostfwd=tcp:127.0.0.1:40123-:22|`+
		`-chardev|socket,id=char-serial,path=/h/vm/serial.sock,server=on,wait=off,logfile=/h/vm/serial.log|`+
		`-chardev|socket,id=char-serial-virtio,path=/h/vm/serialv.sock,server=on,wait=off,logfile=/h/vm/serialv.log|`+
		`-chardev|socket,id=char-qmp,path=/h/vm/qmp.sock,server=on,wait=off|-kernel|/h/vm/kernel|`+
		`-append|worldsetup.root=trixie-0a1b/plain other=1|-pidfile|/h/vm/qemu.pid|-name|lima-vm`, "|")

func TestParse(t *testing.T) {
	m, err := parse(limasArguments)
	if err != nil {
		t.Fatal(err)
	}
	for what, values := range map[string][2]string{
		"disk": {m.disk, "/h/vm/disk"}, "cidata": {m.cidata, "/h/vm/cidata.iso"}, "root": {m.root, "trixie-0a1b/plain"},
		"forward": {m.forward, "127.0.0.1:40123"}, "qmp": {m.qmp, "/h/vm/qmp.sock"},
		"pid file": {m.pidFile, "/h/vm/qemu.pid"},
	} {
		if values[0] != values[1] {
			t.Errorf("%s is %q, want %q", what, values[0], values[1])
		}
	}
	if want := []string{"/h/vm/serial.log", "/h/vm/serialv.log"}; !slices.Equal(m.serialLogs, want) {
		t.Errorf("the logs are %v, want %v", m.serialLogs, want)
	}
	if want := []string{"/h/vm/serial.sock", "/h/vm/serialv.sock"}; !slices.Equal(m.serialSockets, want) {
		t.Errorf("the sockets are %v, want %v", m.serialSockets, want)
	}
}

func TestParseNamesWhatIsMissing(t *testing.T) {
	for _, option := range []string{"-netdev", "-append", "-pidfile"} {
		at := slices.Index(limasArguments, option)
		args := slices.Delete(slices.Clone(limasArguments), at, at+2)
		if _, err := parse(args); err == nil || !strings.Contains(err.Error(), option) {
			t.Errorf("without %s: %v", option, err)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for args, want := range map[string]string{
		"--version": "QEMU emulator version", "-accel help": "kvm", "-machine q35 -cpu help": "max",
		"-M none -netdev help": "user",
	} {
		if answer, ok := capabilities(strings.Fields(args)); !ok || !strings.Contains(answer, want) {
			t.Errorf("%s: %q, %v", args, answer, ok)
		}
	}
	if answer, ok := capabilities(limasArguments); ok {
		t.Errorf("the start of a VM was answered with %q", answer)
	}
}

func TestItNeedsItsSuite(t *testing.T) {
	if err := run(limasArguments); err == nil || !strings.Contains(err.Error(), "test bed") {
		t.Errorf("outside a suite: %v", err)
	}
}
