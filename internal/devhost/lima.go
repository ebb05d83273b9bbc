package devhost

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// DefaultLima is the version that is built when none is asked for. LimaVersions lists those that can be.
const DefaultLima = "2.1.4"

// LimaVersions are the versions that can be built: each has a module in e2e/lima, which pins it.
func LimaVersions() []string { return []string{"2.1.4", "2.2.0"} }

// limaRecipe changes when the way Lima is built changes.
const limaRecipe = "1"

// installedLima is a limactl that the user finds on a normal PATH: the machine's own, or one that is put into
// /usr/local.
func (h *Host) installedLima(ctx context.Context) (string, error) {
	found, err := h.findLima(ctx)
	if err == nil {
		h.logf("lima: using %s", found)
		return found, nil
	}
	h.logf("lima: %v", err)
	built, err := h.cachedLima(ctx)
	if err != nil {
		return "", err
	}
	const target = "/usr/local/bin/limactl"
	if _, err := os.Lstat(target); err == nil {
		h.logf("lima: leaving %s alone and using %s", target, built)
		return built, nil
	}
	agent := filepath.Join("share", "lima", guestAgentName())
	prefix := filepath.Dir(filepath.Dir(built))
	h.logf("lima: installing %s", target)
	// The guest agent first: a limactl without it does not work.
	return target, errors.Join(h.place(ctx, filepath.Join(prefix, agent), filepath.Join("/usr/local", agent), "0644"),
		h.place(ctx, built, target, "0755"))
}

// findLima looks for a limactl that the user can run and that is new enough.
func (h *Host) findLima(ctx context.Context) (string, error) {
	ours := filepath.SplitList(os.Getenv("PATH"))
	file, err := lookPath(strings.Join(append(ours, filepath.SplitList(h.path())...), ":"), "limactl")
	if err != nil {
		return "", errors.New("this machine has no limactl")
	}
	out, err := h.Command(ctx, file, "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s cannot run %s: %w", h.User.Name, file, err)
	}
	if !recentEnough(string(out)) {
		return "", fmt.Errorf("%s is too old: %q", file, strings.TrimSpace(string(out)))
	}
	return file, nil
}

// place copies a file into the system by rename, so that half of it is never seen.
func (h *Host) place(ctx context.Context, from, to, mode string) error {
	if err := h.privileged(ctx, "install", "-D", "-m", mode, "-T", from, to+".new"); err != nil {
		return fmt.Errorf("install %s: %w", to, err)
	}
	if err := h.privileged(ctx, "mv", "-f", "-T", to+".new", to); err != nil {
		return fmt.Errorf("install %s: %w", to, err)
	}
	return nil
}

// cachedLima is the limactl of a prefix in the cache, built from the version that a module in e2e/lima pins.
func (h *Host) cachedLima(ctx context.Context) (string, error) {
	if !slices.Contains(LimaVersions(), h.limaVersion) {
		return "", fmt.Errorf("can't build Lima %s: use one of %s", h.limaVersion, strings.Join(LimaVersions(), ", "))
	}
	module := filepath.Join(h.Source, "e2e", "lima", h.limaVersion)
	version, prefix, err := h.limaPrefix(ctx, module)
	if err != nil {
		return "", err
	}
	limactl := filepath.Join(prefix, "bin", "limactl")
	if _, err := os.Stat(limactl); err == nil {
		return limactl, nil
	}
	h.logf("lima: building %s %s, which takes a minute or two", limaModule, version)
	started := time.Now()
	dir, err := staging(prefix)
	if err != nil {
		return "", fmt.Errorf("build Lima: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := h.buildLima(ctx, module, version, dir); err != nil {
		return "", fmt.Errorf("build Lima: %w", err)
	}
	if err := os.Rename(dir, prefix); err != nil {
		return "", fmt.Errorf("build Lima: %w", err)
	}
	h.logf("lima: built in %s", seconds(started))
	return limactl, nil
}

// limaPrefix names the folder of a build after everything that decides what is in it.
func (h *Host) limaPrefix(ctx context.Context, module string) (version, prefix string, err error) {
	edit := exec.CommandContext(ctx, "go", "mod", "edit", "-json")
	edit.Dir = module
	mod, err := edit.Output()
	if err != nil {
		return "", "", fmt.Errorf("read %s/go.mod: %w", module, err)
	}
	if version, err = pinnedLima(mod); err != nil {
		return "", "", err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, limaRecipe, runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", "", err
		}
		hash.Write(text)
	}
	return version, filepath.Join(h.Cache, "lima", fmt.Sprintf("v%s-%.6x", version, hash.Sum(nil))), nil
}

// buildLima fills a prefix with what Lima needs at run time: limactl, and the guest agent where limactl looks for it.
func (h *Host) buildLima(ctx context.Context, module, version, prefix string) error {
	limactl := filepath.Join(prefix, "bin", "limactl")
	agent := filepath.Join(prefix, "lima-guestagent")
	flags := fmt.Sprintf("-s -w -X %s/pkg/version.Version=%s", limaModule, version)
	for output, command := range map[string]string{limactl: "limactl", agent: "lima-guestagent"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", flags, "-o", output,
			limaModule+"/cmd/"+command)
		cmd.Dir = module
		// Without cgo no C compiler is needed. e2e/lima may ask for a newer Go than the machine's.
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=-mod=readonly",
			"GOTOOLCHAIN=auto", "GOWORK=off")
		if err := h.run(cmd); err != nil {
			return err
		}
	}
	share := filepath.Join(prefix, "share", "lima")
	if err := os.MkdirAll(share, 0o755); err != nil {
		return err
	}
	// Compressed only: limactl warns when it finds the plain file beside it.
	if err := compress(agent, filepath.Join(share, guestAgentName())); err != nil {
		return err
	}
	return errors.Join(os.Remove(agent), os.Chmod(filepath.Dir(limactl), 0o755), os.Chmod(limactl, 0o755))
}

func guestAgentName() string { return "lima-guestagent.Linux-" + limaArch(runtime.GOARCH) + ".gz" }

func compress(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	packed := gzip.NewWriter(out)
	_, err = io.Copy(packed, in)
	return errors.Join(err, packed.Close(), out.Close())
}
