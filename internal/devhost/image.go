package devhost

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
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

// recipe is everything that decides what is in the guest image.
//
//go:embed recipe
var recipe embed.FS

// Image is a guest image that needs no internet.
type Image struct {
	Dir     string
	Profile string // a Lima profile that starts it
}

// GuestImage is the image in the cache, built when it is not there yet: Debian 12 with the packages that the world needs.
func (h *Host) GuestImage(ctx context.Context) (Image, error) {
	hash, err := recipeHash(recipe, runtime.GOARCH)
	if err != nil {
		return Image{}, err
	}
	dir := filepath.Join(h.Cache, "image", hash)
	image := Image{Dir: dir, Profile: filepath.Join(dir, "profile.yaml")}
	unlock, err := h.lock()
	if err != nil {
		return Image{}, err
	}
	defer unlock()
	if _, err := os.Stat(image.Profile); err == nil {
		h.logf("image: using %s", dir)
		return image, nil
	}
	if err := h.needPackages(ctx, imagePackages()); err != nil {
		return Image{}, err
	}
	h.logf("image: building a Debian guest, which takes about a minute")
	started := time.Now()
	if err := h.buildImage(ctx, dir); err != nil {
		return Image{}, fmt.Errorf("build the guest image: %w", err)
	}
	h.logf("image: built in %s", seconds(started))
	return image, nil
}

// buildImage follows the recipe in a folder beside the target and renames it when all of it is there.
func (h *Host) buildImage(ctx context.Context, target string) error {
	arch, err := debianArch(runtime.GOARCH)
	if err != nil {
		return err
	}
	dir, err := staging(target)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	steps, err := os.MkdirTemp("", "worldsetup-recipe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(steps)
	if err := unpack(recipe, steps); err != nil {
		return err
	}
	if err := h.privileged(ctx, "bash", filepath.Join(steps, "recipe", "build.sh"), arch, dir); err != nil {
		return err
	}
	digest, err := fileDigest(filepath.Join(dir, "disk.qcow2"))
	if err != nil {
		return err
	}
	profile := limaProfile(runtime.GOARCH, target, digest)
	if err := os.WriteFile(filepath.Join(dir, "profile.yaml"), []byte(profile), 0o644); err != nil {
		return err
	}
	return os.Rename(dir, target)
}

// recipeHash names an image after its recipe, so that a changed recipe is a new image.
func recipeHash(recipe fs.FS, goarch string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, goarch, limaProfile(goarch, "", ""))
	err := fs.WalkDir(recipe, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(recipe, path)
		fmt.Fprintln(hash, path, len(text))
		hash.Write(text)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)[:6]), err
}

// unpack writes the recipe into a folder, its scripts executable.
func unpack(recipe fs.FS, dir string) error {
	if err := os.CopyFS(dir, recipe); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if entry.IsDir() || strings.HasSuffix(path, ".sh") {
			mode = 0o755
		}
		return os.Chmod(path, mode)
	})
}

// limaProfile starts the kernel itself, since the image has no boot loader. Lima's default mounts on QEMU are 9p, which
// Debian's cloud kernel lacks: a guest with them comes up with empty folders.
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
