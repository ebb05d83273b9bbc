package provision_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestSweep: what killed runs have left goes, and what others use stays.
func TestSweep(t *testing.T) {
	b := replacing(t)
	b.spec.Replace = ""
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	dead, other := filepath.Join(dir, "worldsetup-profile-2147483647-1.yaml"),
		filepath.Join(dir, "worldsetup-profile-1-1.yaml")
	for _, path := range []string{dead, other} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stale, used := filepath.Join(b.VMDir("substrate"), "p.ABCDEFGH.sock"),
		filepath.Join(b.VMDir("substrate"), "p.HGFEDCBA.sock")
	for _, path := range []string{stale, used} {
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if path == stale {
			listener.(*net.UnixListener).SetUnlinkOnClose(false)
			listener.Close()
		}
	}
	b.mustRun(t)
	for path, want := range map[string]bool{dead: false, other: true, stale: false, used: true} {
		if _, err := os.Lstat(path); (err == nil) != want {
			t.Errorf("%s is there: %v", path, err == nil)
		}
	}
}
