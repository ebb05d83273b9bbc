package devhost

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

func TestRecentEnough(t *testing.T) {
	for output, want := range map[string]bool{
		"limactl version 2.1.4":          true,
		"limactl version v2.0.0\n":       true,
		"limactl version 2.0.0-rc.1":     false,
		"limactl version 3.0.0":          true,
		"limactl version 1.2.1":          false,
		"limactl version <unknown>":      false,
		"limactl version 2.1":            false,
		"limactl version HEAD-8a2b3c4d5": false,
		"":                               false,
	} {
		if got := recentEnough(output); got != want {
			t.Errorf("recentEnough(%q) = %v, want %v", output, got, want)
		}
	}
}

func TestRecipeHash(t *testing.T) {
	hash := func(files fstest.MapFS, arch string) string {
		got, err := recipeHash(files, arch)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	files := func(a, name, b string) fstest.MapFS {
		return fstest.MapFS{"recipe/a": {Data: []byte(a)}, "recipe/" + name: {Data: []byte(b)}}
	}
	one := files("x", "b", "y")
	base := hash(one, "amd64")
	if again := hash(one, "amd64"); again != base {
		t.Errorf("the same recipe gave %s and %s", base, again)
	}
	for name, other := range map[string]string{
		"another architecture": hash(one, "arm64"),
		"a changed file":       hash(files("x", "b", "z"), "amd64"),
		"a renamed file":       hash(files("x", "c", "y"), "amd64"),
		"a moved boundary":     hash(files("xb", "b", ""), "amd64"),
	} {
		if other == base {
			t.Errorf("%s kept the hash", name)
		}
	}
}

func TestLimaProfile(t *testing.T) {
	for arch, wants := range map[string][]string{
		"amd64": {`location: "/c/i/disk.qcow2"`, `location: "/c/i/vmlinuz"`, "arch: x86_64", "digest: sha256:abc",
			"console=ttyS0", "mountType: reverse-sshfs"},
		"arm64": {"arch: aarch64", "console=ttyAMA0"},
	} {
		profile := limaProfile(arch, "/c/i", "abc")
		for _, want := range wants {
			if !strings.Contains(profile, want) {
				t.Errorf("%s: %q is not in\n%s", arch, want, profile)
			}
		}
	}
}

func TestUserEnvironment(t *testing.T) {
	u := User{Name: "ann", Home: "/home/ann"}
	env := u.environ("/bin", func(name string) (string, bool) {
		return "http://proxy:3128", name == "https_proxy" || name == "XDG_RUNTIME_DIR" || name == "LIMA_HOME"
	})
	for _, want := range []string{"HOME=/home/ann", "USER=ann", "PATH=/bin", "https_proxy=http://proxy:3128"} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is not in %v", want, env)
		}
	}
	for _, entry := range env {
		if strings.HasPrefix(entry, "XDG_RUNTIME_DIR=") || strings.HasPrefix(entry, "LIMA_HOME=") {
			t.Errorf("%s got through", entry)
		}
	}
}

func TestPathPutsThePreparedLimaFirst(t *testing.T) {
	for lima, want := range map[string]string{"": "/usr/local/bin:", "/usr/local/bin/limactl": "/usr/local/bin:",
		"/c/lima/bin/limactl": "/c/lima/bin:/usr/local/bin:"} {
		if got := (&Host{Lima: lima}).path(); !strings.HasPrefix(got, want) {
			t.Errorf("with %q the path is %s", lima, got)
		}
	}
}

func TestAccelEnv(t *testing.T) {
	if env := (Accel{KVM: true}).Env("amd64"); env != nil {
		t.Errorf("KVM needs no %v", env)
	}
	for arch, want := range map[string]string{
		"amd64": "QEMU_SYSTEM_X86_64=qemu-system-x86_64 -machine q35,accel=tcg -cpu max",
		"arm64": "QEMU_SYSTEM_AARCH64=qemu-system-aarch64 -machine virt,accel=tcg -cpu max",
	} {
		if env := (Accel{}).Env(arch); !slices.Equal(env, []string{want}) {
			t.Errorf("%s: %v", arch, env)
		}
	}
}

func TestVirtualizes(t *testing.T) {
	for cpuinfo, want := range map[string]bool{
		"processor\t: 0\nflags\t\t: fpu vme vmx est\n": true, "flags\t\t: fpu svm\n": true,
		"flags\t\t: fpu hypervisor\nvmx flags\t: vnmi\n": false, "": false,
	} {
		if virtualizes("amd64", cpuinfo) != want {
			t.Errorf("%q: %v", cpuinfo, !want)
		}
	}
	if !virtualizes("arm64", "Features\t: fp asimd\n") {
		t.Error("arm64 reports nothing of it")
	}
}

func TestLimaVersionsArePinned(t *testing.T) {
	for _, version := range LimaVersions() {
		mod, err := os.ReadFile("../../e2e/lima/" + version + "/go.mod")
		if err != nil || !strings.Contains(string(mod), limaModule+" v"+version+" ") {
			t.Errorf("%s: %v\n%s", version, err, mod)
		}
	}
}

func TestPrepareIsForLinux(t *testing.T) {
	if runtime.GOOS == "linux" {
		t.Skip("this is Linux")
	}
	if _, err := Prepare(context.Background(), Options{}); err == nil {
		t.Error("no error")
	}
}

// TestBuiltSideBySide: different things are built at the same time, the same thing once, and what is there isn't built
// again.
func TestBuiltSideBySide(t *testing.T) {
	query := exec.Command("dpkg-query", append([]string{"-W"}, imagePackages()...)...)
	if out, err := query.CombinedOutput(); err != nil {
		t.Skipf("it would install packages first: %v: %s", err, out)
	}
	h := &Host{Source: "../..", Cache: t.TempDir(), Log: io.Discard}
	both := make(chan string)
	var builds atomic.Int32
	build := func(meet func()) func(dir, target string) error {
		return func(dir, _ string) error {
			builds.Add(1)
			meet()
			return os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
		}
	}
	var group sync.WaitGroup
	want := func(suite string, meet func()) {
		dir, err := h.built(t.Context(), "image", suite, build(meet))
		if _, statErr := os.Stat(filepath.Join(dir, "file")); err != nil || statErr != nil {
			t.Errorf("%s: %v, %v", suite, err, statErr)
		}
	}
	for range 3 {
		group.Go(func() { want("one", func() { both <- "one builds" }) })
		group.Go(func() { want("two", func() { <-both }) }) // only while the other builds as well
	}
	group.Wait()
	if n := builds.Load(); n != 2 {
		t.Errorf("it built %d times", n)
	}
	if err := errors.New("no disk"); !errors.Is(second(h.built(t.Context(), "image", "three",
		func(string, string) error { return err })), err) {
		t.Error("the error of a build is lost")
	}
	left, err := filepath.Glob(filepath.Join(h.Cache, "image", "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("left %v, %v", left, err)
	}
}

func second(_ string, err error) error { return err }
