package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const macSource = `package p

func a(os string) int {
	if os == "darwin" {
		return 1
	}
	switch {
	case os == "darwin":
		return 2
	}
	if os != "darwin" {
		return 3
	}
	return 4
}
`

// A profile of that source: lines 5, 9 and 13 are a Mac's; the one for Macs executed line 5, unit tests line 9.
const (
	macProfile  = "mode: set\n" + module + "checks/a.go:4.20,6.3 1 1\n" + module + "checks/a.go:8.22,9.11 1 0\n" + rest
	unitProfile = "mode: set\n" + module + "checks/a.go:4.20,6.3 1 0\n" + module + "checks/a.go:8.22,9.11 1 1\n" + rest
	rest        = module + "checks/a.go:11.20,13.3 1 1\n" + module + "checks/a.go:14.2,14.10 1 0\n" +
		module + "checks/b.go:3.1,4.1 9 0\n"
)

func TestMacCode(t *testing.T) {
	source := fstest.MapFS{
		"checks/a.go": {Data: []byte(macSource)}, "checks/b.go": {Data: []byte("package p\n")},
		"cmd/c.go": {Data: []byte("package c\n")}, "internal/process/d.go": {Data: []byte("package d\n")},
		"provision/e.go": {Data: []byte("package e\n")}, "tui/f.go": {Data: []byte("package f\n")},
	}
	code, err := macCode(source)
	if err != nil || len(code) != 1 {
		t.Fatalf("%v, %v", code, err)
	}
	var paths []string
	for name, text := range map[string]string{"x.mac.cover": macProfile, "unit.cover": unitProfile} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	files, err := coverage(code, paths)
	if err != nil || len(files) != 1 {
		t.Fatalf("%+v, %v", files, err)
	}
	if e := files[0]; e.file != "checks/a.go" || e.statements != 3 || e.byMac != 1 || e.byAny != 2 ||
		!slices.Equal(e.never, []string{"14"}) {
		t.Errorf("%+v", e)
	}
	var page strings.Builder
	writeMacCode(func(format string, args ...any) { page.WriteString(format + "\n") }, nil)
	if !strings.Contains(page.String(), "Not measured") {
		t.Errorf("without a profile the page says %s", page.String())
	}
}

// TestMacCodeIsFound: the source has code for Macs, and every file that is about them as a whole is there.
func TestMacCodeIsFound(t *testing.T) {
	code, err := macCode(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(macFiles, "checks/host.go", "checks/tools.go", "cmd/worldsetup/options.go",
		"provision/internal/profile/settings.go") {
		if len(code[file]) == 0 {
			t.Errorf("%s has no code for Macs, or is not there", file)
		}
	}
}
