package lima

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConsole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "serial.log")
	write := func(text string, flag int) {
		t.Helper()
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|flag, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	write("of the last start\n", os.O_TRUNC)
	c := newConsole(path)
	see := func(want string) {
		t.Helper()
		lines, _ := c.Next()
		if line := append([]string{""}, lines...)[len(lines)]; line != want {
			t.Errorf("got %q, want %q", line, want)
		}
	}
	see("")
	write("one\ntwo\r\n", os.O_APPEND)
	see("two")
	see("")
	write("[\x1b[0;32m  OK  \x1b[0m] Reached target \x1b[0;1;39mcloud-init.target\x1b[0m.\r\r\nhalf a li", os.O_APPEND)
	see("[  OK  ] Reached target cloud-init.target.")
	if lines, rest := c.Next(); len(lines) > 0 || rest != "half a li" {
		t.Errorf("after the last whole line: %q, %q", lines, rest)
	}
	write("ne\n", os.O_APPEND)
	see("half a line")
	write("begun again\n", os.O_TRUNC)
	see("begun again")
	write(strings.Repeat("x", 3*consoleTail)+"\nlast\n\n", os.O_APPEND)
	see("last")
}

// TestHopelessBoots: the consoles of guests whose boot has come to its end without a way in, and of others.
func TestHopelessBoots(t *testing.T) {
	for console, want := range map[string]string{
		"[    1.052744] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n" +
			"[    1.053101] CPU: 0 PID: 1 Comm: swapper/0 Not tainted 6.12.48 #1\n": "kernel panicked",
		"[    1.064412] ---[ end Kernel panic - not syncing: Attempted to kill init! ]---\n": "panicked",
		"BusyBox v1.37.0 built-in shell (ash)\n\n(initramfs) ":                               "initramfs",
		"You are in emergency mode. After logging in, type …\n":                              "emergency mode",
		"Entering emergency mode. Exit the shell to continue.\n":                             "emergency mode",

		"[    0.8] Run /init as init process\nLoading, please wait...\n":             "",
		"[   60.1] cloud-init[486]: + echo You are in emergency mode\n":              "",
		"[    0.3] Kernel command line: root=LABEL=x panic=-1 systemd.crash_shell=0": "",
	} {
		path := filepath.Join(t.TempDir(), "serial.log")
		c := newConsole(path)
		if err := os.WriteFile(path, []byte(console), 0o600); err != nil {
			t.Fatal(err)
		}
		lines, rest := c.Next()
		reason := BootEnd(append(lines, rest), false)
		if (want == "") != (reason == nil) || reason != nil && !strings.Contains(reason.Error(), want) {
			t.Errorf("%q: %v, want %q", console, reason, want)
		}
	}
}

// TestConsoleOfReachableGuest: once ssh answers there is a way in, and a line that a program of the guest's may have
// written ends nothing. A panic leaves no way in.
func TestConsoleOfReachableGuest(t *testing.T) {
	for line, ends := range map[string]bool{
		"You are in emergency mode.": false, "(initramfs)": false, "Kernel panic - not syncing: Fatal": true,
	} {
		if reason := BootEnd([]string{line}, true); (reason != nil) != ends {
			t.Errorf("%q: %v", line, reason)
		}
	}
}
