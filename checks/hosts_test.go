package checks

import (
	"context"
	"debug/macho"
	"encoding/binary"
	"io/fs"
	"net"
	"os/exec"
	"strings"

	"github.com/lima-vm/lima/v2/pkg/limatype"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

const gib = 1 << 30

// inCellar returns where Homebrew has what its links point to.
func inCellar(path string) (string, error) {
	return "/usr/local/Cellar/lima/2.1.4" + strings.TrimPrefix(path, "/usr/local"), nil
}

// files has the named files and no other.
func files(contents map[string]string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if content, found := contents[path]; found {
			return []byte(content), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
}

// linuxHost is a Debian machine of the user ada with everything that a world needs.
func linuxHost() Host {
	return Host{
		OS: "linux", Arch: "amd64", UID: func() int { return 1000 }, User: func() string { return "ada" },
		Getenv: func(string) string { return "" },
		Find:   installed("limactl", "ssh", "qemu-system-x86_64", "qemu-img", "apt-get"),
		Run: func(context.Context, string, ...string) (string, error) {
			return "QEMU emulator version 8.2.2 (Debian)\n", nil
		},
		Read: files(map[string]string{"/proc/meminfo": "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n",
			"/etc/os-release": "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"}),
		End:  files(nil),
		Stat: func(string) (fs.FileInfo, error) { return nil, nil },
		Real: func(path string) (string, error) { return path, nil },
		Free: func(string) (int64, error) { return 100 * gib, nil },
		NFS:  func(string) bool { return false },
		KVM:  func() error { return nil }, Inotify: func() error { return nil },
		Files:   func() (uint64, error) { return 524288, nil },
		Alive:   func(int) bool { return false },
		Resolve: func(context.Context, string) error { return nil },
		Head:    headEnds(nil),
		Proxy:   func(string) (string, error) { return "", nil },
	}
}

// but is that machine with a change.
func but(change func(*Host)) Host {
	h := linuxHost()
	change(&h)
	return h
}

func nowhere(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }

func ran(out string, err error) func(*Host) {
	return func(h *Host) { h.Run = func(context.Context, string, ...string) (string, error) { return out, err } }
}

// machO is the beginning of a Mac's program for cpu.
func machO(cpu macho.Cpu) string {
	header := make([]byte, 32)
	binary.LittleEndian.PutUint32(header, macho.Magic64)
	binary.LittleEndian.PutUint32(header[4:], uint32(cpu))
	binary.LittleEndian.PutUint32(header[12:], uint32(macho.TypeExec))
	return string(header)
}

// macWith is a Mac whose limactl is for cpu, and that has the programs.
func macWith(goarch string, content string, programs ...string) Host {
	return Host{
		OS: "darwin", Arch: goarch, Getenv: func(string) string { return "" }, Find: func(name string) (string, error) {
			if name == "limactl" {
				return "/usr/local/bin/limactl", nil
			}
			return installed(programs...)(name)
		},
		Read: func(string) ([]byte, error) { return []byte(content), nil },
		Real: inCellar, Stat: nowhere,
		Run: func(context.Context, string, ...string) (string, error) { return "", &exec.ExitError{} },
	}
}

func instance(change func(*limatype.Instance)) VM {
	found := &limatype.Instance{
		Name: "substrate", Status: limatype.StatusStopped, Dir: "/home/ada/.lima/substrate",
		Config: &limatype.LimaYAML{PortForwards: []limatype.PortForward{{GuestSocket: lima.GuestSocket}}},
	}
	change(found)
	return VM{Name: "substrate", Instance: found}
}

func noNames(h *Host) {
	h.Resolve = func(_ context.Context, name string) error {
		return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
}

// one is a check with this probe.
func one(probe Probe) Check { return Check{ID: "one", Title: "the check", Probe: probe} }

// answers is a check that finds this.
func answers(result Result) Check { return one(func(context.Context) Result { return result }) }

// silent is the check with a probe that gets no answer.
func silent(check Check) Check {
	check.Probe = func(ctx context.Context) Result { <-ctx.Done(); return Result{} }
	return check
}

// headEnds makes every request for the head of an address end in err.
func headEnds(err error) func(context.Context, string) (int64, error) {
	return func(context.Context, string) (int64, error) { return 0, err }
}
