package devhost

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
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
		"limactl version v2.0.0-rc.1":    true,
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

func TestPinnedLima(t *testing.T) {
	got, err := pinnedLima([]byte(`{"Require": [{"Path": "example.org/x", "Version": "v1.0.0"}, {"Path": "` +
		limaModule + `", "Version": "v2.1.4"}]}`))
	if err != nil || got != "2.1.4" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := pinnedLima([]byte(`{}`)); err == nil {
		t.Error("a go.mod without Lima must be an error")
	}
}

func TestNotInstalled(t *testing.T) {
	// As dpkg-query prints them; "rc" is a removed package whose configuration stayed, "hi" one that is held.
	lines := "ii sudo\nrc qemu-utils\nhi openssh-client\nun mmdebstrap\n"
	got := notInstalled(lines, []string{"sudo", "qemu-utils", "openssh-client", "mmdebstrap", "e2fsprogs"})
	if want := []string{"qemu-utils", "mmdebstrap", "e2fsprogs"}; !slices.Equal(got, want) {
		t.Errorf("missing %v, want %v", got, want)
	}
}

func TestWithLine(t *testing.T) {
	const line = `export A="b" ` + profileMark
	for _, tt := range []struct{ name, text, line, want string }{
		{"added to nothing", "", line, line + "\n"},
		{"added at the end", "umask 022\n", line, "umask 022\n" + line + "\n"},
		{"after a last line without a newline", "umask 022", line, "umask 022\n" + line + "\n"},
		{"twice is once", "umask 022\n" + line + "\n", line, "umask 022\n" + line + "\n"},
		{"an older one is replaced", "export A=old " + profileMark + "\nx\n", line, "x\n" + line + "\n"},
		{"taken out", "x\n" + line + "\n", "", "x\n"},
		{"nothing to take out", "x", "", "x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := withLine(tt.text, tt.line); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
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
	one := fstest.MapFS{"a": {Data: []byte("x")}, "b": {Data: []byte("y")}}
	base := hash(one, "amd64")
	if again := hash(one, "amd64"); again != base {
		t.Errorf("the same recipe gave %s and %s", base, again)
	}
	for name, other := range map[string]string{
		"another architecture": hash(one, "arm64"),
		"a changed file":       hash(fstest.MapFS{"a": {Data: []byte("x")}, "b": {Data: []byte("z")}}, "amd64"),
		"a renamed file":       hash(fstest.MapFS{"a": {Data: []byte("x")}, "c": {Data: []byte("y")}}, "amd64"),
		"a moved boundary":     hash(fstest.MapFS{"a": {Data: []byte("xb")}, "b": {Data: []byte("")}}, "amd64"),
	} {
		if other == base {
			t.Errorf("%s kept the hash", name)
		}
	}
}

func TestUnpackMakesScriptsExecutable(t *testing.T) {
	dir := t.TempDir()
	if err := unpack(recipe, dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"image.sh": 0o755, "customize.sh": 0o755, "packages.txt": 0o644,
		"overlay/etc/cloud/cloud.cfg.d/90-worldsetup.cfg": 0o644} {
		info, err := os.Stat(filepath.Join(dir, "recipe", name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
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

// The probe's guests are machine code by hand: under emulation, which always works, each must end as the probe expects.
func TestProbeGuestsEndAsExpected(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			guest := newProbeGuest(arch, filepath.Join(t.TempDir(), "guest"))
			program := guest.args("tcg")[0]
			if _, err := exec.LookPath(program); err != nil {
				t.Skipf("no %s here", program)
			}
			if err := os.WriteFile(guest.file, guest.code, 0o644); err != nil {
				t.Fatal(err)
			}
			me, err := user.Current()
			if err != nil {
				t.Fatal(err)
			}
			h := &Host{Log: io.Discard}
			if h.User, err = fromAccount(me, false); err != nil {
				t.Fatal(err)
			}
			if got := h.runProbe(context.Background(), guest, "tcg"); !got.KVM {
				t.Errorf("the guest did not run: %s", got)
			}
		})
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
	if missing, err := missingPackages(t.Context(), imagePackages()); err != nil || len(missing) > 0 {
		t.Skipf("it would install packages first: %v, %v", missing, err)
	}
	h := &Host{Cache: t.TempDir(), Log: io.Discard}
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
