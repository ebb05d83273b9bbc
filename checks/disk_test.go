package checks

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// The fixes of a directory, done for real: its owner's permissions come back, and where a link leads to is made.
func TestDirectoryFixes(t *testing.T) {
	home := t.TempDir()
	shut, link := filepath.Join(home, "shut"), filepath.Join(home, "link")
	for _, err := range []error{os.Mkdir(shut, 0o500), os.Symlink("there/and/on", link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	byMode := func(path string) error { // root's access would report nothing
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o200 == 0 {
			return syscall.EACCES
		}
		return nil
	}
	for path, fix := range map[string]string{shut: "chmod u+rwx " + shut, link: "mkdir -p " + home + "/there/and/on"} {
		check := one(directory{path: path, variable: "XDG_STATE_HOME", usual: "~/.local/state", home: home,
			access: byMode}.probe("the state directory"))
		if before := Run(t.Context(), []Check{check}, nil)[0]; before.Fix == nil || before.Fix.String() != fix {
			t.Errorf("%s: fix %v, want %q", path, before.Fix, fix)
		}
		if after := Apply(t.Context(), check, nil); after.Outcome != OK {
			t.Errorf("%s: %+v", path, after)
		}
	}
}
