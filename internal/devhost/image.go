package devhost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// recipe is the directory of everything that decides what is in the guest image, below the source.
const recipe = "internal/devhost/recipe"

// Image is a guest image that needs no internet.
type Image struct {
	Dir     string
	Profile string // a Lima profile that starts it
}

// DefaultSuite is the Debian suite of a real VM's guest, unless another one is chosen.
const DefaultSuite = "bookworm"

// GuestImage is the image of a guest in the cache, built when it isn't there yet: of a Debian suite, such as
// "bookworm", with the packages that the world needs, or, as "bookworm-ubuntu", without them and set up as Ubuntu's
// cloud images are (see recipe/ubuntu.sh).
func (h *Host) GuestImage(ctx context.Context, guest string) (Image, error) {
	dir, err := h.built(ctx, "image", guest, func(dir, target string) error {
		if err := h.follow(ctx, "image.sh", guest, dir); err != nil {
			return err
		}
		digest, err := fileDigest(filepath.Join(dir, "disk.qcow2"))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, "profile.yaml"),
			[]byte(limaProfile(runtime.GOARCH, target, digest)), 0o644)
	})
	return Image{Dir: dir, Profile: filepath.Join(dir, "profile.yaml")}, err
}

// GuestRoots is the folder of a suite's root file systems for the test bed, "plain" and "ubuntu" (see recipe/roots.sh),
// in the cache: built when it isn't there yet. Only root can inspect it, since it holds setuid programs.
func (h *Host) GuestRoots(ctx context.Context, suite string) (string, error) {
	return h.built(ctx, "roots", suite, func(dir, _ string) error {
		return errors.Join(h.follow(ctx, "roots.sh", suite, dir), os.Chmod(dir, 0o700))
	})
}

// built is a folder in the cache that is named after its recipe. When it isn't there yet, build fills a folder beside
// it, which is renamed when all of it is there. Different things may be built side by side.
func (h *Host) built(ctx context.Context, kind, suite string, build func(dir, target string) error) (string, error) {
	hash, err := recipeHash(os.DirFS(filepath.Join(h.Source, filepath.Dir(recipe))), runtime.GOARCH)
	if err != nil {
		return "", err
	}
	target := filepath.Join(h.Cache, kind, suite+"-"+hash)
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	if err := h.needImagePackages(ctx); err != nil {
		return "", err
	}
	unlock, err := h.lock("lock-" + kind + "-" + suite)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(target); err == nil {
		return target, nil // another run has built it meanwhile
	}
	h.logf("%s: building %s, which takes a minute or two", kind, suite)
	started := time.Now()
	dir, err := staging(target)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := build(dir, target); err != nil {
		return "", fmt.Errorf("build the %s of %s: %w", kind, suite, err)
	}
	h.logf("%s: built %s in %s", kind, suite, seconds(started))
	return target, os.Rename(dir, target)
}

// needImagePackages installs what building takes, one run at a time.
func (h *Host) needImagePackages(ctx context.Context) error {
	unlock, err := h.lock(machineLock)
	if err != nil {
		return err
	}
	defer unlock()
	return h.NeedPackages(ctx, imagePackages())
}

// follow runs a script of the recipe. Debian's names of the architectures are Go's.
func (h *Host) follow(ctx context.Context, script, suite, dir string) error {
	return h.privileged(ctx, "bash", filepath.Join(h.Source, recipe, script), runtime.GOARCH, suite, dir)
}

// recipeHash names an image after its recipe, so that a changed recipe is a new image.
func recipeHash(above fs.FS, goarch string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, goarch, limaProfile(goarch, "", ""))
	err := fs.WalkDir(above, "recipe", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(above, path)
		fmt.Fprintln(hash, path, len(text))
		hash.Write(text)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)[:6]), err
}

// limaProfile starts the kernel itself, since the image has no boot loader. Lima's default mounts on QEMU are 9p, which
// Debian's cloud kernel lacks: a guest with them comes up with empty folders. Lima gives a VM four processors, which
// emulation on fewer makes slower; booting keeps little more than one busy.
func limaProfile(goarch, dir, digest string) string {
	console := "ttyS0"
	if goarch == "arm64" {
		console = "ttyAMA0"
	}
	file := func(name string) string { return strconv.Quote(filepath.Join(dir, name)) }
	return strings.Join([]string{
		"# Made by internal/devhost: a guest that needs no internet.",
		"images:",
		"- location: " + file("disk.qcow2"),
		"  arch: " + limaArch(goarch),
		"  digest: sha256:" + digest,
		"  kernel:",
		"    location: " + file("vmlinuz"),
		"    cmdline: root=LABEL=worldsetup-root rw console=" + console + " net.ifnames=0",
		"  initrd:",
		"    location: " + file("initrd.img"),
		"cpus: 2",
		"firmware:",
		"  legacyBIOS: true",
		"mountType: reverse-sshfs",
		"containerd:",
		"  system: false",
		"  user: false",
		"",
	}, "\n")
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return hex.EncodeToString(hash.Sum(nil)), err
}
