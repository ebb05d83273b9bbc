package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/atomize-hq/worldsetup/provision"
)

func TestExportHealth(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	path, err := exportHealth(dir, healthy())
	if err != nil || filepath.Dir(path) != dir {
		t.Fatalf("%s: %v", path, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v: %v", err, info.Mode())
	}
	text, err := os.ReadFile(path)
	var health provision.Health
	if err := errors.Join(err, json.Unmarshal(text, &health)); err != nil || !health.Ready || health.VM != "substrate" {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := exportHealth(dir, healthy()); err != nil { // over the one of the same second
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%v: left behind: %v", err, left)
	}
	if path, err := exportHealth("/dev/null/none", healthy()); err == nil {
		t.Errorf("it was written to %s", path)
	}
}
