package provision_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
	"github.com/atomize-hq/worldsetup/provision/guest"
)

// TestOneLockForAWorld: whatever the state directory, and by whatever way Lima's home is named.
func TestOneLockForAWorld(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	b.VM("substrate").Remove(guest.MarkerPath)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(b.spec.LimaHome, link); err != nil {
		t.Fatal(err)
	}
	other := &bench{World: b.World, spec: b.spec}
	other.spec.StateDir, other.spec.LimaHome = filepath.Join(t.TempDir(), "state"), link
	var once sync.Once
	var second, status error
	b.BeforeGuest = func(name string) error {
		if name == "WriteMarker" {
			once.Do(func() {
				second = other.run(t)
				_, status = other.setup().Status(t.Context())
			})
		}
		return nil
	}
	b.mustRun(t)
	wantKind(t, second, provision.KindBusy, "another run", "process")
	wantKind(t, status, provision.KindBusy, "write the layout marker")
}

// TestLockOfOthersMaking: nothing is written through a link or a second name that another user put in the lock's place.
func TestLockOfOthersMaking(t *testing.T) {
	for name, put := range map[string]func(target, path string) error{
		"link": os.Symlink, "second name": os.Link,
		"directory": func(_, path string) error { return os.Mkdir(path, 0o700) },
		"dangling":  func(target, path string) error { return os.Symlink(target+"-none", path) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			target := filepath.Join(b.spec.LimaHome, ".precious")
			if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := put(target, filepath.Join(b.spec.LimaHome, "_worldsetup.substrate.lock")); err != nil {
				t.Fatal(err)
			}
			wantKind(t, b.run(t), provision.KindPrerequisite, "the lock of this VM", "_worldsetup.substrate.lock")
			if text, err := os.ReadFile(target); err != nil || string(text) != "precious" {
				t.Errorf("it holds %q, %v", text, err)
			}
			if _, err := os.Lstat(target + "-none"); err == nil {
				t.Error("a file was made through the link")
			}
			if changes := b.changes(); len(changes) > 0 {
				t.Errorf("it changed %v", changes)
			}
		})
	}
}

// TestStateDirectoryOfOthers: the log is not put where others can write.
func TestStateDirectoryOfOthers(t *testing.T) {
	b := newBench(t)
	if err := os.MkdirAll(b.spec.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(b.spec.StateDir, 0o777); err != nil {
		t.Fatal(err)
	}
	wantKind(t, b.run(t), provision.KindPrerequisite, "others can write to", "XDG_STATE_HOME")
	if changes := b.changes(); len(changes) > 0 {
		t.Errorf("it changed %v", changes)
	}
	if err := os.Chmod(b.spec.StateDir, 0o755); err != nil {
		t.Fatal(err)
	}
	b.mustRun(t)
}

// TestLimaIgnoresTheLock: it is a file whose name begins as those do that Lima keeps for itself.
func TestLimaIgnoresTheLock(t *testing.T) {
	b := newBench(t)
	b.mustRun(t)
	found, _ := filepath.Glob(filepath.Join(b.spec.LimaHome, "*worldsetup*"))
	if len(found) != 2 {
		t.Errorf("there are %v", found)
	}
	for _, path := range found {
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() || !strings.HasPrefix(filepath.Base(path), "_") {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}
