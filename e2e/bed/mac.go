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
	"strings"
)

// macLima is the version of Lima that plays on a Mac: Homebrew's newest.
const macLima = "2.2.0"

// asMac are the files of Lima that ask which processor the machine has: a test answers, so that a machine of either
// kind can be a Mac of either kind.
var asMac = []string{"pkg/limayaml/defaults.go", "pkg/limatype/lima_yaml.go", "pkg/store/instance.go"}

// MacLima returns a limactl that has the VMs of a Mac: Lima's own source, in which one driver is replaced. See package
// vz for what it shows, and for the environment variables that it needs. It is built when the cache has none.
func (b *Bed) MacLima(ctx context.Context) (limactl string, err error) {
	module := filepath.Join(b.host.Source, "e2e", "lima", macLima)
	sums, err := os.ReadFile(filepath.Join(module, "go.sum"))
	driver, driverErr := os.ReadFile(filepath.Join(b.host.Source, "e2e", "bed", "vz", "driver.go"))
	if err := errors.Join(err, driverErr); err != nil {
		return "", err
	}
	const recipe = "1"
	hash := sha256.Sum256(fmt.Appendf(nil, "%s\n%s%s", recipe, driver, sums))
	prefix := filepath.Join(b.host.Cache, "lima", fmt.Sprintf("v%s-mac-%.6x", macLima, hash))
	limactl = filepath.Join(prefix, "bin", "limactl")
	if _, err := os.Stat(limactl); err == nil {
		return limactl, nil
	}
	fmt.Fprintf(b.host.Log, "test bed: building Lima %s as for a Mac, which takes a minute or two\n", macLima)
	if err := os.MkdirAll(filepath.Dir(prefix), 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(prefix), "mac-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	source, built := filepath.Join(dir, "source"), filepath.Join(dir, "built")
	if err := macSource(ctx, module, source, driver); err != nil {
		return "", fmt.Errorf("make Lima's source as for a Mac: %w", err)
	}
	flags := "-s -w -X github.com/lima-vm/lima/v2/pkg/version.Version=" + macLima
	build := exec.CommandContext(ctx, "go", "build", "-mod=mod", "-trimpath", "-ldflags", flags, "-o",
		filepath.Join(built, "bin", "limactl"), "./cmd/limactl")
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOTOOLCHAIN=auto")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build Lima as for a Mac: %w\n%s", err, out)
	}
	if err := errors.Join(copyGuestAgent(b.host.Lima, built), os.Chmod(built, 0o755)); err != nil {
		return "", err
	}
	return limactl, os.Rename(built, prefix)
}

// macSource puts Lima's source into dir, with driver in it, and has it ask the environment for the processor.
func macSource(ctx context.Context, module, dir string, driver []byte) error {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/lima-vm/lima/v2")
	list.Dir, list.Stderr = module, os.Stderr
	original, err := list.Output()
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(strings.TrimSpace(string(original)))); err != nil {
		return err
	}
	for _, name := range asMac {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		const question = "runtime.GOARCH"
		if !strings.Contains(string(text), question) {
			return fmt.Errorf("%s does not ask for %s any more", name, question)
		}
		answer := fmt.Sprintf("package %s\n\nimport \"os\"\n\nvar asMacArch = os.Getenv(\"ASMAC_ARCH\")\n",
			filepath.Base(filepath.Dir(path)))
		changed := strings.ReplaceAll(string(text), question, "asMacArch")
		if err := errors.Join(replace(path, changed),
			replace(filepath.Join(filepath.Dir(path), "asmac.go"), answer)); err != nil {
			return err
		}
	}
	return errors.Join(
		replace(filepath.Join(dir, "pkg/driver/vz/standin.go"), string(driver)),
		replace(filepath.Join(dir, "cmd/limactl/main_asmac.go"),
			"package main\n\nimport _ \"github.com/lima-vm/lima/v2/pkg/driver/vz\"\n"))
}

// replace writes a file in a copy of the module cache, whose files are read-only.
func replace(path, text string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// copyGuestAgent puts this machine's guest agent beside the limactl under the names for both processors: the guest has
// this machine's.
func copyGuestAgent(limactl, prefix string) error {
	found, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(limactl)),
		"share/lima/lima-guestagent.Linux-*.gz"))
	if err != nil || len(found) == 0 {
		return errors.Join(err, errors.New("there is no guest agent beside "+limactl))
	}
	agent, err := os.ReadFile(found[0])
	share := filepath.Join(prefix, "share", "lima")
	return errors.Join(err, os.MkdirAll(share, 0o755),
		os.WriteFile(filepath.Join(share, "lima-guestagent.Linux-x86_64.gz"), agent, 0o644),
		os.WriteFile(filepath.Join(share, "lima-guestagent.Linux-aarch64.gz"), agent, 0o644))
}

// MacTools fills a directory with the programs of a Mac: each answers as recorded, see package mactool.
func (b *Bed) MacTools(ctx context.Context, dir string) error {
	program := filepath.Join(b.dir, "mactool")
	if _, err := os.Stat(program); err != nil {
		if err := errors.Join(b.build(ctx, "mactool"), os.Chmod(program, 0o755)); err != nil {
			return err
		}
	}
	var errs error
	for _, name := range []string{"sw_vers", "sysctl", "vm_stat", "codesign", "xattr", "brew", "arch", "softwareupdate",
		"defaults", "xcrun", "launchctl", "system_profiler", "pkgutil"} {
		errs = errors.Join(errs, os.Symlink(program, filepath.Join(dir, name)))
	}
	return errs
}
