//go:build linux

package bed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/atomize-hq/worldsetup/e2e/bed/wire"
	"github.com/atomize-hq/worldsetup/internal/devhost"
)

// Guests are the guests that the test bed has: Debian suites, and each once more set up as Ubuntu's cloud images are.
func Guests() []string {
	return []string{"bookworm", "bookworm-ubuntu", "trixie", "trixie-ubuntu", "sid", "sid-ubuntu"}
}

// Ubuntu is one more guest: Ubuntu 24.04 from its own archive, where that can be reached.
const Ubuntu = "ubuntu"

// packages are the Debian packages that the test bed needs on the host, beside those of devhost.
var packages = []string{"iproute2", "e2fsprogs", "libarchive-tools"}

// Bed is a test bed that is ready to be used.
type Bed struct {
	dir   string // of the stand-in and its root helper
	roots string
	host  *devhost.Host
}

// Prepare installs the stand-in for QEMU and its root helper. The error reports why this machine can't run the test
// bed.
func Prepare(ctx context.Context, host *devhost.Host) (*Bed, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("the test bed needs root, for namespaces, mounts and a loop device: " +
			"run it as root, or play on a real VM (make e2e)")
	}
	if err := host.NeedPackages(ctx, packages); err != nil {
		return nil, err
	}
	if err := possible(); err != nil {
		return nil, fmt.Errorf("the test bed can't run on this machine; play on a real VM (make e2e): %w", err)
	}
	b := &Bed{host: host, roots: filepath.Join(host.Cache, "roots")}
	if err := os.MkdirAll(filepath.Join(b.roots, ".mnt"), 0o755); err != nil {
		return nil, err
	}
	place := filepath.Join(host.Cache, "bed")
	sweep(place)
	b.dir = filepath.Join(place, strconv.Itoa(os.Getpid()))
	if err := errors.Join(b.build(ctx, "qemu"), b.build(ctx, "container"), b.restrict()); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// QEMU is the stand-in, which Lima starts in the place of QEMU: see [devhost.Host].
func (b *Bed) QEMU() string { return filepath.Join(b.dir, "qemu") }

// Close removes the programs. Guests that still run go on: end them first, with Lima.
func (b *Bed) Close() error { return os.RemoveAll(b.dir) }

// sweep removes the programs of suites that were killed, and what is left of the control groups of their guests.
func sweep(place string) {
	left, _ := os.ReadDir(place)
	for _, entry := range left {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(filepath.Join(place, entry.Name()))
		}
	}
}

func (b *Bed) build(ctx context.Context, program string) error {
	settings := fmt.Sprintf("-X main.roots=%s -X main.suite=%d", b.roots, os.Getpid())
	output := filepath.Join(b.dir, program)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", settings, "-o",
		output, "./e2e/bed/"+program)
	cmd.Dir = b.host.Source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the test bed's %s: %w\n%s", program, err, out)
	}
	return nil
}

// restrict lets one group run the programs, and one of them as root.
func (b *Bed) restrict() error {
	if info, err := os.Stat(filepath.Join(b.dir, "container")); err != nil || info.Mode()&os.ModeSetuid != 0 {
		return errors.Join(err, os.ErrExist)
	}
	return errors.Join(
		os.Chown(b.dir, 0, int(b.host.User.GID)), os.Chmod(b.dir, 0o750),
		os.Chown(filepath.Join(b.dir, "container"), 0, int(b.host.User.GID)),
		os.Chmod(filepath.Join(b.dir, "container"), 0o750|os.ModeSetuid),
		os.Chmod(filepath.Join(b.dir, "qemu"), 0o755),
	)
}

// Profile is a Lima profile that starts a guest, whose root file system is built when it isn't there yet.
func (b *Bed) Profile(ctx context.Context, guest string) (string, error) {
	suite, form, ok := strings.Cut(guest, "-")
	if !ok {
		form = "plain"
	}
	if guest == Ubuntu {
		suite, form = "noble", "ubuntu"
	} else if !slices.Contains(Guests(), guest) {
		guests := strings.Join(Guests(), ", ")
		return "", fmt.Errorf("the test bed has no guest %q: use one of %s or %s", guest, guests, Ubuntu)
	}
	dir, err := b.host.GuestRoots(ctx, suite)
	if err != nil {
		return "", err
	}
	image := filepath.Join(b.dir, "image")
	file := filepath.Join(b.dir, guest+".yaml")
	root := filepath.Join(filepath.Base(dir), form)
	// Lima copies the image into a disk, and the guest's file system is made on that. It is empty but not of no size.
	empty := make([]byte, 1<<20)
	text := profile(image, fmt.Sprintf("sha256:%x", sha256.Sum256(empty)), root)
	return file, errors.Join(os.WriteFile(image, empty, 0o644), os.WriteFile(file, []byte(text), 0o644))
}

func profile(image, digest, root string) string {
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	return strings.Join([]string{
		"# Made by e2e/bed: a guest in a container. It is of no use outside the test bed.",
		"images:",
		"- location: " + strconv.Quote(image),
		"  arch: " + arch,
		"  digest: " + digest,
		"  kernel:",
		"    location: " + strconv.Quote(image),
		"    cmdline: " + wire.RootArgument + root,
		"firmware:",
		"  legacyBIOS: true",
		"mountType: reverse-sshfs",
		"containerd:",
		"  system: false",
		"  user: false",
		"",
	}, "\n")
}

// Guest is the control group of the guest of a running VM, from the folder of its instance.
func Guest(instance string) (group string, err error) {
	pid, err := os.ReadFile(filepath.Join(instance, "qemu.pid"))
	return wire.Group(strings.TrimSpace(string(pid))), err
}
