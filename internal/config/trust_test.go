package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestTrust(t *testing.T) {
	trust := Trust{filepath.Join(t.TempDir(), "state", "trusted.json")}
	if digest, err := trust.Digest("/a"); digest != "" || err != nil {
		t.Fatal(digest, err)
	}
	for _, add := range [][2]string{{"/a", "1"}, {"/b", "2"}, {"/a", "3"}} {
		if err := trust.Add(add[0], add[1]); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(trust.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	for path, want := range map[string]string{"/a": "3", "/b": "2", "/c": ""} {
		if digest, err := trust.Digest(path); digest != want || err != nil {
			t.Errorf("%s: %q, %v", path, digest, err)
		}
	}
}

// What another user may have put there is not believed, and nothing is written through it.
func TestTrustOfOthersMaking(t *testing.T) {
	for name, make := range map[string]func(string) error{
		"a link": func(path string) error {
			target := filepath.Join(filepath.Dir(path), "target")
			return errors.Join(os.WriteFile(target, []byte(`{"/a": "1"}`), 0o600), os.Symlink(target, path))
		},
		"writable": func(path string) error {
			return errors.Join(os.WriteFile(path, []byte(`{"/a": "1"}`), 0o600), os.Chmod(path, 0o666))
		},
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"nonsense":    func(path string) error { return os.WriteFile(path, []byte("null"), 0o600) },
	} {
		trust := Trust{filepath.Join(t.TempDir(), "trusted.json")}
		if err := make(trust.Path); err != nil {
			t.Fatal(err)
		}
		if digest, err := trust.Digest("/a"); digest != "" || err == nil {
			t.Errorf("%s: %q, %v", name, digest, err)
		}
		if trust.Add("/b", "2") == nil {
			t.Errorf("%s: it was written", name)
		}
	}
}
