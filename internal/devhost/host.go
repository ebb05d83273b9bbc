package devhost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Options determine what Prepare sets up.
type Options struct {
	Source string // the checkout, see SourceRoot
	Cache  string // "" means DefaultCache
	// use the machine's Lima, or install one in /usr/local; otherwise use one in the cache, whatever the machine has
	Install bool
	// Lima is one of LimaVersions, or the absolute path of a limactl; "" means DefaultLima. A Lima of the machine's own
	// may be another one.
	Lima string
	Log  io.Writer // a write for each thing that happens; several may happen at once
}

// Host is a machine that is ready to run Lima.
type Host struct {
	Source string
	Cache  string
	User   User
	Lima   string // the absolute path of limactl
	// Version is the version that limactl prints.
	Version string
	Accel   Accel
	// QEMU is a program that Lima starts in the place of QEMU; "" for none.
	QEMU string
	Log  io.Writer

	limaVersion string
}

// Prepare makes the machine ready, apart from the guest image: see Host.GuestImage. What it makes is read by another
// user when it runs as root, so the process needs a umask that lets it: 022.
func Prepare(ctx context.Context, opts Options) (*Host, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("devhost prepares Linux machines only, not %s", runtime.GOOS)
	}
	if opts.Log == nil || opts.Source == "" {
		return nil, errors.New("devhost.Prepare needs Options.Log and Options.Source")
	}
	h := &Host{Source: opts.Source, Cache: opts.Cache, Log: opts.Log, limaVersion: cmp.Or(opts.Lima, DefaultLima)}
	if h.Cache == "" {
		cache, err := DefaultCache()
		if err != nil {
			return nil, err
		}
		h.Cache = cache
	}
	unlock, err := h.lock(machineLock)
	if err != nil {
		return nil, err
	}
	defer unlock()

	if err := h.NeedPackages(ctx, runPackages(runtime.GOARCH)); err != nil {
		return nil, err
	}
	if h.User, err = h.ordinaryUser(ctx); err != nil {
		return nil, err
	}
	h.Accel = h.accel(ctx)
	h.logf("acceleration: %s", h.Accel)
	switch {
	case filepath.IsAbs(opts.Lima):
		h.Lima = opts.Lima
	case opts.Install:
		h.Lima, err = h.installedLima(ctx)
	default:
		h.Lima, err = h.cachedLima(ctx)
	}
	if err != nil {
		return nil, err
	}
	out, err := h.Command(ctx, h.Lima, "--version").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s cannot run limactl (WORLDSETUP_DEV_CACHE puts the cache where that user can read "+
			"it): %w\n%s", h.User.Name, err, out)
	}
	_, h.Version, _ = strings.Cut(strings.TrimSpace(string(out)), "limactl version ")
	return h, nil
}

// DefaultCache is where the image and Lima are kept between runs: $WORLDSETUP_DEV_CACHE, else a folder of the machine
// for root, so that the ordinary user can read it, else one of the user's own.
func DefaultCache() (string, error) {
	if dir := os.Getenv("WORLDSETUP_DEV_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	if os.Geteuid() == 0 {
		return "/var/cache/worldsetup-dev", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for the cache (set WORLDSETUP_DEV_CACHE): %w", err)
	}
	return filepath.Join(dir, "worldsetup-dev"), nil
}

// SourceRoot is the folder of the Go module that the working directory is in.
func SourceRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("ask go for the module: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if filepath.Base(mod) != "go.mod" {
		return "", errors.New("run this inside a checkout of worldsetup: there is no go.mod here or above")
	}
	return filepath.Dir(mod), nil
}

// Env is what Lima's processes need in their environment on this machine.
func (h *Host) Env() []string {
	if h.QEMU == "" {
		return h.Accel.Env(runtime.GOARCH)
	}
	name, value := emulation(runtime.GOARCH)
	_, arguments, _ := strings.Cut(value, " ")
	return []string{name + "=" + h.QEMU + " " + arguments}
}

// Command is a command that runs as the ordinary user, in the user's home, with an environment made afresh: nothing of
// the calling account gets through but the proxies and the terminal's type. Append to Env to add to it.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = h.User.Home
	cmd.Env = append(h.User.environ(h.path(), os.LookupEnv), h.Env()...)
	cmd.SysProcAttr = h.User.sysProcAttr()
	// exec resolves names in our PATH, which is another user's: resolve them in the one that the command will have.
	if !strings.Contains(name, "/") {
		if found, err := lookPath(h.path(), name); err == nil {
			cmd.Path, cmd.Err = found, nil
		}
	}
	return cmd
}

// path is the user's PATH. Lima comes first, so that worldsetup finds the limactl that was prepared.
func (h *Host) path() string {
	const system = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
	if h.Lima == "" || filepath.Dir(h.Lima) == "/usr/local/bin" {
		return system
	}
	return filepath.Dir(h.Lima) + ":" + system
}

// lookPath finds an executable file in a list of folders.
func lookPath(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", name, path)
}

// privileged runs a command as root, through sudo when we are not root. What it prints goes to the log.
func (h *Host) privileged(ctx context.Context, name string, args ...string) error {
	if os.Geteuid() != 0 {
		args = append([]string{name}, args...)
		name = "sudo"
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = os.Stdin // sudo may have to ask
	return h.run(cmd)
}

// run runs a command quietly; when it fails, what it printed goes into the log, since it holds the reason.
func (h *Host) run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	fmt.Fprintf(h.Log, "%s\n", strings.TrimRight(string(out), "\n"))
	return fmt.Errorf("%s: %w", strings.Join(cmd.Args[:min(len(cmd.Args), 4)], " "), err)
}

func (h *Host) logf(format string, args ...any) {
	fmt.Fprintf(h.Log, "devhost: "+format+"\n", args...)
}

// limaArch is Lima's and QEMU's name of a Go architecture.
func limaArch(goarch string) string {
	if goarch == "arm64" {
		return "aarch64"
	}
	return "x86_64"
}
