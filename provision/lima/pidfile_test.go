package lima

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sleeper is a process with these arguments, which ends with the test. It has begun to run: before that, the kernel may
// show no arguments.
func sleeper(t *testing.T, args ...string) int {
	t.Helper()
	cmd := exec.Command("/bin/sh", append([]string{"-c", "echo; read _"}, args...)...)
	input, err := cmd.StdinPipe()
	output, outErr := cmd.StdoutPipe()
	if err := errors.Join(err, outErr); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { input.Close(); _ = cmd.Wait() })
	if _, err := output.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// TestWhoseAProcessIs: the number of a process says nothing; its arguments do.
func TestWhoseAProcessIs(t *testing.T) {
	home := t.TempDir()
	dir, link := filepath.Join(home, "w"), filepath.Join(t.TempDir(), "link")
	for _, err := range []error{os.Mkdir(dir, 0o700), os.Mkdir(filepath.Join(home, "w2"), 0o700), os.Symlink(home, link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		args  []string
		stale bool
	}{
		"host agent":             {[]string{"limactl", "hostagent", "--pidfile", dir + "/ha.pid", "w"}, false},
		"host agent, joined":     {[]string{"limactl", "hostagent", "--pidfile=" + dir + "/ha.pid", "w"}, false},
		"through a link":         {[]string{"limactl", "hostagent", "--pidfile", link + "/w/ha.pid", "w"}, false},
		"QEMU":                   {[]string{"qemu-system-x86_64", "-m", "4096", "-pidfile", dir + "/qemu.pid"}, false},
		"virtiofsd":              {[]string{"virtiofsd", "--socket-path", dir + "/virtiofsd-0.sock"}, false},
		"a stranger":             {[]string{"x"}, true},
		"Lima's, of another VM":  {[]string{"limactl", "hostagent", "--pidfile", home + "/w2/ha.pid", "w2"}, true},
		"Lima's, of the name":    {[]string{"limactl", "hostagent", "--pidfile", "/elsewhere/w/ha.pid", "w"}, true},
		"one that reads the log": {[]string{"tail", "-f", dir + "/serial.log"}, true},
		"one that edits it":      {[]string{"vi", dir + "/ha.pid"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "ha.pid")
			if err := os.WriteFile(path, fmt.Appendln(nil, sleeper(t, test.args...)), 0o600); err != nil {
				t.Fatal(err)
			}
			files := PIDFiles(dir)
			if len(files) != 1 || files[0].Stale != test.stale || files[0].Program != "sh" {
				t.Fatalf("got %+v", files)
			}
			var said []string
			if err := (Client{Home: home}).displacePIDFiles("w", func(line string) { said = append(said, line) }); err != nil {
				t.Fatal(err)
			}
			_, err := os.Lstat(path)
			if (err != nil) != test.stale || (len(said) == 1) != test.stale {
				t.Errorf("it was moved aside: %v, with the words %q", err != nil, said)
			}
		})
	}
}

// TestNoLivingProcess: files without one are Lima's to remove.
func TestNoLivingProcess(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ended.pid": "99999999\n", "empty.pid": "", "odd.pid": "one", "zero.pid": "0", "group.pid": "-1", "ha.log": "1",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "dir.pid"), 0o700); err != nil {
		t.Fatal(err)
	}
	if files := PIDFiles(dir); len(files) > 0 {
		t.Errorf("got %+v", files)
	}
}

func TestDriversOfTheirOwn(t *testing.T) {
	for name, want := range map[string]bool{
		"lima-driver-vz-hostagent.pid": true, "lima-driver-vz2-hostagent.pid": false, "vz.pid": false,
	} {
		if belongs([]string{"/usr/libexec/lima/lima-driver-vz"}, name, t.TempDir()) != want {
			t.Error(name)
		}
	}
}

// TestArgumentsOfMacOS: as kern.procargs2 lays them out; the environment follows them.
func TestArgumentsOfMacOS(t *testing.T) {
	args, err := parseProcArgs([]byte("\x03\x00\x00\x00/bin/limactl\x00\x00\x00\x00" +
		"limactl\x00hostagent\x00w\x00HOME=/h\x00"))
	if err != nil || !slices.Equal(args, []string{"limactl", "hostagent", "w"}) {
		t.Errorf("got %q, %v", args, err)
	}
	for _, cut := range []string{"", "\x03\x00", "\x03\x00\x00\x00/bin/x\x00a", "\xff\xff\xff\xff" +
		strings.Repeat("x", 8)} {
		if args, err := parseProcArgs([]byte(cut)); err == nil {
			t.Errorf("%q: %q", cut, args)
		}
	}
}
