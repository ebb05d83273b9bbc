package checks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// limactlFunc is a limactl.
type limactlFunc func(ctx context.Context) (lima.Result, error)

func (f limactlFunc) Run(ctx context.Context, command lima.Command) (lima.Result, error) {
	if !slices.Equal(command.Args, []string{"--version"}) {
		return lima.Result{}, fmt.Errorf("unexpected call: %q", command.Args)
	}
	return f(ctx)
}

func prints(stdout string) limactlFunc {
	return func(context.Context) (lima.Result, error) { return lima.Result{Stdout: []byte(stdout)}, nil }
}

func exits(code int, stderr string) limactlFunc {
	return func(context.Context) (lima.Result, error) { return lima.Result{ExitCode: code, Stderr: stderr}, nil }
}

func fails(err error) limactlFunc {
	return func(context.Context) (lima.Result, error) { return lima.Result{}, err }
}

func lima2(run limactlFunc, goos string) Check {
	return Host{OS: goos, Find: installed("brew"), Real: inCellar}.limactl(lima.Client{Runner: run})
}

func sshOn(find lookPath, goos string) Check { return one(Host{OS: goos, Find: find}.sshClient) }

func qemuOn(arch limatype.Arch, getenv func(string) string, find lookPath, goos string) Check {
	return one(Host{OS: goos, Find: find, Getenv: getenv}.qemu(arch))
}

// accelerated is a machine of the user ada, who is in no group.
func accelerated(arch, native limatype.Arch, getenv func(string) string, kvm func() error) Check {
	goarch := map[limatype.Arch]string{x86: "amd64", arm: "arm64"}[native]
	return one(Host{OS: "linux", Arch: goarch, Getenv: getenv, KVM: kvm, User: func() string { return "ada" },
		Run: noProgram}.acceleration(arch))
}

func noProgram(_ context.Context, name string, _ ...string) (string, error) {
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

func virtualized(vmType, goos string, run runner) Check {
	return one(Host{OS: goos, Run: run}.virtualization(vmType))
}

// runner runs a program to its end and returns what it printed on standard output.
type runner func(ctx context.Context, name string, args ...string) (string, error)

// lookPath finds a program, like exec.LookPath.
type lookPath func(name string) (string, error)

// installed finds the programs that are named, and no other.
func installed(programs ...string) lookPath {
	return func(name string) (string, error) {
		if slices.Contains(programs, name) {
			return "/usr/bin/" + name, nil
		}
		return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
	}
}

// environment has the one variable "NAME=value", or none.
func environment(variable string) func(string) string {
	name, value, _ := strings.Cut(variable, "=")
	return func(asked string) string {
		if asked == name {
			return value
		}
		return ""
	}
}

func kvmOutput(err error) func() error { return func() error { return err } }

func sysctl(out string, err error) runner {
	return func(_ context.Context, name string, args ...string) (string, error) {
		if slices.Equal(args, []string{"kern.hv_vmm_present"}) {
			return "kern.hv_vmm_present: 0\n", nil
		}
		if name != "sysctl" || !slices.Equal(args, []string{"kern.hv_support"}) {
			return "", fmt.Errorf("unexpected call: %s %q", name, args)
		}
		return out, err
	}
}

// exitError is what os/exec returns for a script's end.
func exitError(t *testing.T, script string) error {
	err := exec.Command("sh", "-c", script).Run()
	if _, ok := errors.AsType[*exec.ExitError](err); !ok {
		t.Fatalf("%s: %v", script, err)
	}
	return err
}

// machine is a directory that stands for the user's home, and the directories in question.
type machine struct{ home string }

// dir is a directory below the home; the ones that are named may not be written to, because of err.
func (m machine) dir(path string, err error, locked ...string) directory {
	return directory{
		path: filepath.Join(m.home, path), variable: "LIMA_HOME", usual: "~/.lima", home: m.home,
		access: func(path string) error {
			if slices.Contains(locked, strings.TrimPrefix(strings.TrimPrefix(path, m.home), "/")) {
				return err
			}
			return nil
		},
	}
}

// away is dir for a user whose home lies elsewhere.
func (m machine) away(path string, err error, locked ...string) directory {
	d := m.dir(path, err, locked...)
	d.home = "/home/u"
	return d
}

func newMachine(t *testing.T) machine {
	home, err := filepath.EvalSymlinks(t.TempDir()) // the one of a Mac is a link
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.Mkdir(filepath.Join(home, "lima"), 0o700),
		os.WriteFile(filepath.Join(home, "file"), []byte("x"), 0o600),
		os.Symlink(filepath.Join(home, "nowhere"), filepath.Join(home, "dead")),
		os.Symlink("lima", filepath.Join(home, "link")),
		os.Symlink("loop", filepath.Join(home, "loop")),
		os.Mkdir(filepath.Join(home, strings.Repeat("l", 100)), 0o700),
		os.Symlink(strings.Repeat("l", 100), filepath.Join(home, "long")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return machine{home}
}

// files are the paths below the home.
func (m machine) files(t *testing.T) (paths []string) {
	err := filepath.WalkDir(m.home, func(path string, entry fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

const (
	emulate    = `QEMU_SYSTEM_X86_64=qemu-system-x86_64 -machine q35,accel=tcg -cpu max`
	emulateARM = `export QEMU_SYSTEM_AARCH64="qemu-system-aarch64 -machine virt,accel=tcg -cpu max"`
	x86, arm   = limatype.X8664, limatype.AARCH64
)

// Each machine that is ready or not, with the words that a person needs: the cause and the remedy.
func TestMachines(t *testing.T) {
	m := newMachine(t)
	socketsFit := func(max int) directory { // the longest socket's path has max bytes with the VM v
		d := m.away("", nil)
		d.path = "/" + strings.Repeat("x", max-len("//v/ssh.sock.1234567890123456"))
		return d
	}
	none := environment("")
	missing := &fs.PathError{Op: "open", Path: "/dev/kvm", Err: syscall.ENOENT}
	denied := &fs.PathError{Op: "open", Path: "/dev/kvm", Err: syscall.EACCES}
	busy := fmt.Errorf("it makes no VM: %w", syscall.EBUSY)

	for name, test := range map[string]struct {
		check   Check
		outcome Outcome
		words   []string // each is in what was found, or in the problem
		next    string   // is in what to do
	}{
		"root": {
			one(Host{UID: func() int { return 0 }}.ordinaryUser), Failed, []string{"root", "Lima refuses"},
			"without sudo",
		},
		"not root": {one(Host{UID: func() int { return 1000 }}.ordinaryUser), OK, []string{"1000"}, ""},

		"home there":  {one(m.dir("lima", nil).limaHome("vm", "linux")), OK, []string{m.home + "/lima"}, ""},
		"home a link": {one(m.dir("link", nil).limaHome("vm", "linux")), OK, nil, ""},
		"home absent": {one(m.dir("a/b/c", nil).limaHome("vm", "linux")), OK, []string{"will be created"}, ""},
		"home a file": {
			one(m.dir("file", nil).limaHome("vm", "linux")), Failed, []string{"/file: it is not a directory"},
			"mv " + m.home + "/file",
		},
		"home below a file": {
			one(m.dir("file/x/y", nil).limaHome("vm", "linux")), Failed,
			[]string{"/file: it is not a directory"}, "mv " + m.home + "/file",
		},
		"home a device": {
			one(directory{path: "/dev/null", variable: "LIMA_HOME", usual: "~/.lima",
				home: m.home}.limaHome("vm", "linux")),
			Failed, []string{"/dev/null"}, "to: export LIMA_HOME=~/.lima",
		},
		"home a dead link": {
			one(m.dir("dead", nil).limaHome("vm", "linux")), Failed, []string{"a link to nothing"},
			"LIMA_HOME=DIR",
		},
		"home below a dead link": {
			one(m.away("dead/x", nil).limaHome("vm", "linux")), Failed, []string{"/dead: it is a link"},
			"export LIMA_HOME=~/.lima",
		},
		"home a loop": {
			one(m.away("loop", nil).limaHome("vm", "linux")), Failed, []string{"/loop"},
			"export LIMA_HOME=~/.lima",
		},
		"home not writable": {
			one(m.dir("lima", syscall.EACCES, "lima").limaHome("vm", "linux")), Failed,
			[]string{"permission denied"}, `sudo chown "$USER" ` + m.home + "/lima",
		},
		"home not mine": {
			one(m.away("lima", syscall.EACCES, "lima").limaHome("vm", "linux")), Failed,
			[]string{"permission denied"}, "export LIMA_HOME=~/.lima",
		},
		"home cannot be made": {
			one(m.away("x/y", syscall.EACCES, "").limaHome("vm", "linux")), Failed,
			[]string{m.home + ": permission denied"}, "export LIMA_HOME=~/.lima",
		},
		"home read-only": {
			one(m.dir("lima", syscall.EROFS, "lima").limaHome("vm", "linux")), Failed, []string{"read-only"},
			"export LIMA_HOME=DIR",
		},

		"sockets just fit, Linux": {one(socketsFit(107).limaHome("v", "linux")), OK, nil, ""},
		"sockets too long, Linux": {
			one(socketsFit(108).limaHome("v", "linux")), Failed,
			[]string{"108 bytes", "fewer than 108", "ssh.sock."}, "export LIMA_HOME=~/.lima",
		},
		"sockets just fit, Mac": {one(socketsFit(103).limaHome("v", "darwin")), OK, nil, ""},
		"sockets too long, Mac": {
			one(socketsFit(104).limaHome("v", "darwin")), Failed, []string{"fewer than 104"},
			"export LIMA_HOME=~/.lima",
		},
		"sockets too long, by link": {
			one(m.away("long", nil).limaHome("substrate", "linux")), Failed, []string{"lll"},
			"export LIMA_HOME=~/.lima",
		},
		"sockets too long, long name": {
			one(m.away("lima", nil).limaHome(strings.Repeat("v", 76), "darwin")), Failed, []string{"too long"},
			"--vm substrate",
		},
		"sockets too long, long user": {
			one(directory{path: "/" + strings.Repeat("u", 90), home: "/" + strings.Repeat("u", 90),
				access: kvmAccess}.limaHome("substrate", "darwin")),
			Failed, nil, "export LIMA_HOME=/opt/lima",
		},

		"state absent": {
			one(m.dir(".local/state/worldsetup", nil).probe("the state directory")), OK,
			[]string{"will be created"}, "",
		},
		"state a file": {
			one(m.dir("file", nil).probe("the state directory")), Failed, []string{"not a directory"}, "mv ",
		},
		"state not writable": {
			one(m.dir("lima/x", syscall.EACCES, "lima").probe("the state directory")), Failed,
			[]string{"the state directory", "permission denied"}, "sudo chown",
		},

		"limactl":                {lima2(prints("limactl version 2.1.4\n"), "linux"), OK, []string{"limactl 2.1.4"}, ""},
		"limactl, a later patch": {lima2(prints("limactl version 2.2.7\n"), "linux"), OK, []string{"limactl 2.2.7"}, ""},
		"limactl, a later line": {
			lima2(prints("limactl version 2.3.0-rc.1\n"), "linux"), OK,
			[]string{"limactl 2.3.0-rc.1", "newer than what worldsetup was tested with", "2.2.0"}, "",
		},
		"limactl of 2.0, on a Mac": {
			lima2(prints("limactl version 2.0.3\n"), "darwin"), Warning, []string{"powers off a VM"}, "upgrade",
		},
		"limactl of 2.0":   {lima2(prints("limactl version 2.0.3\n"), "linux"), OK, []string{"limactl 2.0.3"}, ""},
		"limactl from git": {lima2(prints("limactl version v2.1.4-12-gabcdef0\n"), "linux"), OK, nil, ""},
		"limactl missing, Mac": {
			lima2(fails(&lima.NotInstalledError{Name: "limactl", Err: exec.ErrNotFound}), "darwin"), Failed,
			[]string{"not installed"}, "brew install lima",
		},
		"limactl missing, Linux": {
			lima2(fails(&lima.NotInstalledError{Name: "limactl", Err: exec.ErrNotFound}), "linux"), Failed,
			[]string{"not installed"}, "https://lima-vm.io/docs/installation/",
		},
		"limactl too old": {
			lima2(prints("limactl version 1.2.1\n"), "darwin"), Failed,
			[]string{"1.2.1 is too old", "2.0.0 or newer"}, "brew upgrade lima",
		},
		"limactl a preview": {
			lima2(prints("limactl version 2.0.0-beta.0\n"), "linux"), Failed, []string{"too old"}, "upgrade",
		},
		"limactl prints garbage": {
			lima2(prints("Segmentation violation, or so\n"), "linux"), Failed,
			[]string{`"Segmentation violation, or so"`}, "command -v limactl",
		},
		"limactl prints nothing": {lima2(prints(""), "linux"), Failed, []string{`""`}, "command -v limactl"},
		"limactl exits 137": {
			lima2(exits(137, ""), "darwin"), Failed, []string{"killed", "signature"}, "brew reinstall lima",
		},
		"limactl killed by a signal": {
			lima2(fails(exitError(t, "kill -9 $$")), "darwin"), Failed, []string{"killed", "security software"},
			"brew reinstall lima",
		},
		"limactl segfaults": {
			lima2(fails(exitError(t, "kill -SEGV $$")), "darwin"), Failed, []string{"segmentation fault"},
			"brew reinstall lima",
		},
		"limactl fails": {
			lima2(exits(1, "limactl: cannot open libfoo.so\n"), "linux"), Failed,
			[]string{"cannot open libfoo.so"}, "install it again",
		},
		"limactl for another CPU": {
			lima2(fails(fmt.Errorf("fork/exec: %w", syscall.ENOEXEC)), "linux"), Failed,
			[]string{"exec format error"}, "command -v limactl",
		},
		"limactl hangs": {lima2(func(ctx context.Context) (lima.Result, error) {
			<-ctx.Done()
			time.Sleep(5 * time.Second) // until SIGKILL
			return lima.Result{}, context.Cause(ctx)
		}, "linux"), Failed, []string{"Lima gave no answer within 15s"}, "limactl --version"},

		"ssh":              {sshOn(installed("ssh"), "linux"), OK, []string{"/usr/bin/ssh"}, ""},
		"ssh missing, Mac": {sshOn(installed(), "darwin"), Failed, []string{"not found"}, "PATH=/usr/bin:$PATH"},
		"ssh missing, apt": {sshOn(installed("apt-get"), "linux"), Failed, nil,
			"sudo apt-get install openssh-client"},
		"ssh missing, dnf":   {sshOn(installed("dnf"), "linux"), Failed, nil, "sudo dnf install openssh-clients"},
		"ssh missing, other": {sshOn(installed(), "linux"), Failed, nil, "with your package manager"},

		"qemu": {
			qemuOn(x86, none, installed("qemu-system-x86_64", "qemu-img"), "linux"), OK,
			[]string{"/usr/bin/qemu-system-x86_64"}, "",
		},
		"qemu missing": {
			qemuOn(x86, none, installed("qemu-img", "apt-get"), "linux"), Failed,
			[]string{"qemu-system-x86_64"}, "sudo apt-get install qemu-system-x86 qemu-utils",
		},
		"qemu for ARM": {
			qemuOn(arm, none, installed("qemu-system-x86_64", "qemu-img", "pacman"), "linux"), Failed,
			[]string{"qemu-system-aarch64"}, "sudo pacman -S qemu-system-aarch64",
		},
		"qemu missing, Mac": {qemuOn(arm, none, installed(), "darwin"), Failed, nil, "brew install qemu"},
		"qemu-img missing": {
			qemuOn(x86, none, installed("qemu-system-x86_64", "dnf"), "linux"), Failed, []string{"qemu-img"},
			"sudo dnf install qemu-system-x86 qemu-img",
		},
		"qemu of one's own": {
			qemuOn(x86, environment(`QEMU_SYSTEM_X86_64='my qemu' -cpu max`),
				installed("my qemu", "qemu-img"), "linux"),
			OK, []string{"my qemu"}, "",
		},
		"qemu misnamed": {
			qemuOn(x86, environment(`QEMU_SYSTEM_X86_64=qemu-9 -cpu max`),
				installed("qemu-system-x86_64", "qemu-img"), "linux"),
			Failed, []string{"qemu-9", "QEMU_SYSTEM_X86_64"}, "unset QEMU_SYSTEM_X86_64",
		},
		"qemu named blank": {
			qemuOn(x86, environment(`QEMU_SYSTEM_X86_64=  `), installed("qemu-system-x86_64", "qemu-img"), "linux"),
			Failed, []string{"no program"}, "unset QEMU_SYSTEM_X86_64",
		},
		"qemu open quote": {
			qemuOn(x86, environment(`QEMU_SYSTEM_X86_64="qemu`), installed(), "linux"), Failed,
			[]string{"quote"}, "unset QEMU_SYSTEM_X86_64",
		},
		"qemu named for ARM": {
			qemuOn(x86, environment(`QEMU_SYSTEM_AARCH64=x`), installed("qemu-system-x86_64", "qemu-img"), "linux"),
			OK, nil, "",
		},

		"KVM": {accelerated(x86, x86, none, kvmOutput(nil)), OK, []string{"KVM"}, ""},
		"KVM absent": {
			accelerated(x86, x86, none, kvmOutput(missing)), Failed,
			[]string{"no hardware acceleration", "/dev/kvm: no such file"},
			"export " + `QEMU_SYSTEM_X86_64="qemu-system-x86_64 -machine q35,accel=tcg -cpu max"`,
		},
		"KVM absent, ARM":      {accelerated(arm, arm, none, kvmOutput(missing)), Failed, nil, emulateARM},
		"KVM absent, firmware": {accelerated(x86, x86, none, kvmOutput(missing)), Failed, nil, "VT-x"},
		"KVM denied": {
			accelerated(x86, x86, none, kvmOutput(denied)), Failed, []string{"permission denied"},
			`sudo usermod -aG kvm "$USER", then log out and in`,
		},
		"KVM unusable": {
			accelerated(x86, x86, none, kvmOutput(busy)), Failed, []string{"/dev/kvm exists", "resource busy"},
			"nested virtualization",
		},
		"emulation asked for": {
			accelerated(x86, x86, environment(emulate), kvmOutput(missing)), Info,
			[]string{"software emulation", "QEMU_SYSTEM_X86_64", "minutes"}, "",
		},
		"emulation before KVM": {
			accelerated(x86, x86, environment(emulate), kvmOutput(nil)), Info, []string{"software emulation"}, "",
		},
		"emulation, no CPU": {
			accelerated(x86, x86, environment("QEMU_SYSTEM_X86_64=q -machine q35,accel=tcg"), kvmOutput(denied)),
			Failed, []string{"adds its own"}, "-cpu max",
		},
		"emulation, -accel": {
			accelerated(x86, x86, environment("QEMU_SYSTEM_X86_64=q -accel tcg -cpu max"), kvmOutput(nil)),
			Failed, []string{"adds its own"}, "-machine q35,accel=tcg",
		},
		"emulation, no file": {
			accelerated(x86, x86, environment("QEMU_SYSTEM_X86_64=q -accel tcg,thread=multi"), kvmOutput(missing)),
			Info, nil, "",
		},
		"arguments, no accel": {
			accelerated(x86, x86, environment("QEMU_SYSTEM_X86_64=q -cpu max"), kvmOutput(missing)), Failed, nil,
			"export QEMU",
		},
		"KVM by name, absent": {
			accelerated(x86, x86, environment("QEMU_SYSTEM_X86_64=q -machine q35,accel=kvm:tcg -cpu max"),
				kvmOutput(missing)),
			Failed, nil, "export QEMU",
		},
		"another CPU": {
			accelerated(arm, x86, none, kvmOutput(nil)), Info,
			[]string{"aarch64", "x86_64", "software emulation"}, "",
		},
		"variable unreadable": {
			accelerated(x86, x86, environment("QEMU_SYSTEM_X86_64='"), kvmOutput(nil)), Unknown,
			[]string{"quote"}, "",
		},

		"Mac": {
			virtualized("vz", "darwin", sysctl("kern.hv_support: 1\n", nil)), OK,
			[]string{"kern.hv_support is 1"}, "",
		},
		"Mac without": {
			virtualized("vz", "darwin", sysctl("kern.hv_support: 0\n", nil)), Failed,
			[]string{`kern.hv_support is "0"`}, "kern.hv_support",
		},
		"Mac in a VM": {
			virtualized("vz", "darwin", sysctl("", exitError(t, "exit 1"))), Failed,
			[]string{"has no kern.hv_support"}, "nested virtualization",
		},
		"Mac without sysctl": {
			virtualized("vz", "darwin", sysctl("", exec.ErrNotFound)), Unknown, []string{"not found"}, "",
		},
		"vz on another system": {
			virtualized("vz", "linux", nil), Failed, []string{"vz", "they need macOS"}, "--vm-type qemu",
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := m.files(t)
			var result Result
			synctest.Test(t, func(t *testing.T) { result = Run(t.Context(), []Check{test.check}, nil)[0] })
			advised := result.Outcome == Failed || result.Outcome == Warning
			if result.Outcome != test.outcome || advised != (result.Next != "") {
				t.Errorf("%+v, want the outcome %q", result, test.outcome)
			}
			text := result.Found + "\n" + result.Why
			for _, word := range test.words {
				if !strings.Contains(text, word) {
					t.Errorf("%q is not in: %s", word, text)
				}
			}
			if !strings.Contains(result.Next, test.next) {
				t.Errorf("%q is not in what to do: %s", test.next, result.Next)
			}
			if after := m.files(t); !slices.Equal(before, after) {
				t.Errorf("the check changed the disk: %q, then %q", before, after)
			}
		})
	}
}

func kvmAccess(string) error { return nil }

// The real edges, as far as a test can set them up: a directory without write permission, on this very file system.
func TestDirectoryAccess(t *testing.T) {
	locked := filepath.Join(t.TempDir(), "locked")
	if err := os.Mkdir(locked, 0o500); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Outcome{t.TempDir(): OK, locked: Failed, filepath.Join(locked, "x"): Failed} {
		if want == Failed && os.Geteuid() == 0 {
			continue // root may write everywhere
		}
		if result := Run(t.Context(), []Check{one(newDirectory(path, "XDG_STATE_HOME",
			"~/.local/state").probe("the state directory"))}, nil)[0]; result.Outcome != want {
			t.Errorf("%s: %s (%s), want %s", path, result.Outcome, result.Found, want)
		}
	}
}

// The real /dev/kvm: whatever is there, the check passes or fails.
func TestKVM(t *testing.T) {
	result := Run(t.Context(), []Check{accelerated(x86, x86, environment(""), Here().KVM)}, nil)[0]
	if result.Outcome != OK && result.Outcome != Failed {
		t.Errorf("%+v", result)
	}
	t.Logf("%+v", result)
}
