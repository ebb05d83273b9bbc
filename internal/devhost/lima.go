package devhost

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
	"strings"
	"time"

	"github.com/coreos/go-semver/semver"

	"github.com/atomize-hq/worldsetup/provision/lima"
)

// limaModule is Lima's name on the Go module proxy.
const limaModule = "github.com/lima-vm/lima/v2"

// DefaultLima is the version that is built when none is asked for. LimaVersions lists those that can be.
const DefaultLima = "2.1.4"

// LimaVersions are the versions that can be built: each has a module in e2e/lima, which pins it.
func LimaVersions() []string { return lima.TestedVersions() }

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
	h.logf("lima: installing %s", target)
	prefix := filepath.Dir(filepath.Dir(built))
	// The guest agent first: a limactl without it does not work. By rename, so that half a file is never seen.
	for _, file := range []string{guestAgent(), filepath.Join("bin", "limactl")} {
		to := filepath.Join("/usr/local", file)
		if err := h.privileged(ctx, "sh", "-c", `install -D -m 0755 -T "$0" "$1.new" && mv -f -T "$1.new" "$1"`,
			filepath.Join(prefix, file), to); err != nil {
			return "", fmt.Errorf("install %s: %w", to, err)
		}
	}
	return target, nil
}

// findLima searches for a limactl that the user can run and that is new enough.
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

// recentEnough reports whether what `limactl --version` printed is a Lima that worldsetup works with. One that was
// built without a version prints "<unknown>".
func recentEnough(output string) bool {
	text, _ := strings.CutPrefix(strings.TrimSpace(output), "limactl version ")
	version, err := semver.NewVersion(strings.TrimPrefix(text, "v"))
	return err == nil && !version.LessThan(*lima.MinimumVersion)
}

// cachedLima is the limactl of a folder in the cache, built from the version that a module in e2e/lima pins. The folder
// is named after everything that decides what is in it.
func (h *Host) cachedLima(ctx context.Context) (string, error) {
	if !slices.Contains(LimaVersions(), h.limaVersion) {
		return "", fmt.Errorf("can't build Lima %s: use one of %s", h.limaVersion, strings.Join(LimaVersions(), ", "))
	}
	module := filepath.Join(h.Source, "e2e", "lima", h.limaVersion)
	mod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	sums, sumsErr := os.ReadFile(filepath.Join(module, "go.sum"))
	if err := errors.Join(err, sumsErr); err != nil {
		return "", err
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%s %s\n%s%s", limaRecipe, runtime.GOARCH, mod, sums))
	prefix := filepath.Join(h.Cache, "lima", fmt.Sprintf("v%s-%.6x", h.limaVersion, hash))
	limactl := filepath.Join(prefix, "bin", "limactl")
	if _, err := os.Stat(limactl); err == nil {
		return limactl, nil
	}
	h.logf("lima: building %s %s, which takes a minute or two", limaModule, h.limaVersion)
	started := time.Now()
	dir, err := staging(prefix)
	if err != nil {
		return "", fmt.Errorf("build Lima: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := h.buildLima(ctx, module, dir); err != nil {
		return "", fmt.Errorf("build Lima: %w", err)
	}
	h.logf("lima: built in %s", seconds(started))
	return limactl, os.Rename(dir, prefix)
}

// buildLima fills a prefix with what Lima needs at run time: limactl, and the guest agent where limactl searches for
// it.
func (h *Host) buildLima(ctx context.Context, module, prefix string) error {
	agent := filepath.Join(prefix, strings.TrimSuffix(guestAgent(), ".gz"))
	flags := fmt.Sprintf("-s -w -X %s/pkg/version.Version=%s", limaModule, h.limaVersion)
	for output, command := range map[string]string{
		filepath.Join(prefix, "bin", "limactl"): "limactl", agent: "lima-guestagent",
	} {
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
	// Compressed only: limactl warns when it finds the plain file beside it.
	return errors.Join(h.run(exec.CommandContext(ctx, "gzip", agent)),
		h.run(exec.CommandContext(ctx, "chmod", "-R", "a+rX", prefix)))
}

// guestAgent is where limactl searches for the guest agent, below its prefix.
func guestAgent() string {
	return filepath.Join("share", "lima", "lima-guestagent.Linux-"+limaArch(runtime.GOARCH)+".gz")
}
