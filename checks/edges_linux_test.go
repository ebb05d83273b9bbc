package checks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Real files where /dev/kvm would be: absent, there and of no use, and not for this user.
func TestKVMForReal(t *testing.T) {
	dir := t.TempDir()
	locked, file := filepath.Join(dir, "locked"), filepath.Join(dir, "file")
	if err := errors.Join(os.WriteFile(locked, nil, 0), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		path string
		next string
	}{
		"absent":        {filepath.Join(dir, "absent"), "VT-x"},
		"a device":      {"/dev/null", "nested virtualization if this machine is itself a VM"},
		"a file":        {file, "nested virtualization if this machine is itself a VM"},
		"no permission": {locked, "usermod -aG kvm"},
	} {
		h := linuxHost()
		h.KVM = func() error { return kvm(test.path) }
		if test.path == locked {
			h.KVM = func() error { return asOrdinaryUser(func() error { return kvm(locked) }) }
		}
		result := Run(t.Context(), []Check{one(h.acceleration(x86))}, nil)[0]
		if result.Outcome != Failed || !strings.Contains(result.Next, test.next) {
			t.Errorf("%s: %+v", name, result)
		}
	}
}

// asOrdinaryUser calls do as an ordinary user, also when the tests run as root, to whom modes mean nothing.
func asOrdinaryUser(do func() error) error {
	if os.Geteuid() != 0 {
		return do()
	}
	runtime.LockOSThread() // what is set is the thread's own
	defer runtime.UnlockOSThread()
	if _, err := unix.SetfsuidRetUid(65534); err != nil {
		return err
	}
	defer func() { _, _ = unix.SetfsuidRetUid(0) }()
	return do()
}

// A log of any size is judged by its end, of which no more is read than it takes.
func TestEndOfLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	long := strings.Repeat("{\"type\":\"log\"}\n", 3*endSize/16)
	for last, want := range map[string]string{"finished": "finished", "step": "was interrupted"} {
		if err := os.WriteFile(log, fmt.Appendf(nil, "%s{\"type\":%q}\n", long, last), 0o600); err != nil {
			t.Fatal(err)
		}
		result := Run(t.Context(), []Check{one(Traces{Log: log}.lastRun(Here()))}, nil)[0]
		if !strings.Contains(result.Found, want) {
			t.Errorf("with %q last: %+v", last, result)
		}
		if end, err := readEnd(log); err != nil || len(end) != endSize {
			t.Errorf("%d bytes were read, %v", len(end), err)
		}
	}
}

// This machine's own answers: every check comes to an outcome, and none of them is about a host that answers nothing.
func TestHere(t *testing.T) {
	home := t.TempDir()
	results := Run(t.Context(), List(Target{
		VM: VM{Name: "substrate"}, VMType: "qemu", Arch: x86, Starts: true, Memory: 64 << 20, Home: home, Project: home,
		LimaHome: filepath.Join(home, "lima"), StateDir: filepath.Join(home, "state"),
	}), nil)
	for _, result := range results {
		switch result.ID {
		case "system", "processor", "memory", "disk-space", "open-files", "inotify", "built-in-files", "other-run",
			"last-run":
			if result.Outcome == Unknown || result.Found == "" {
				t.Errorf("%+v", result)
			}
		}
	}
	if entries, err := os.ReadDir(home); err != nil || len(entries) > 0 {
		t.Errorf("the probe left %v (%v)", entries, err)
	}
}
