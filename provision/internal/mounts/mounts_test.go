package mounts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atomize-hq/worldsetup/provision/guest"
)

// TestCompareMount: what is mounted is distinguished from what should be, without writing anything into the project.
func TestCompareMount(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	path := filepath.Join(dir, "main.go")
	if err := os.WriteFile(path, []byte("package"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	same := guest.Entry{Name: "main.go", Type: 'f', Size: 7, ModTime: old}
	newer, foreign, shorter := same, same, same
	newer.ModTime, foreign.Name, shorter.Size = old.Add(time.Minute), "lib.go", 6
	mount := func(readOnly bool, entries ...guest.Entry) guest.Mount {
		return guest.Mount{FSType: "virtiofs", ReadOnly: readOnly, Entries: entries}
	}
	for name, test := range map[string]struct {
		mount guest.Mount
		want  string // part of what is wrong; empty for nothing
	}{
		"same":              {mount(false, same), ""},
		"nothing mounted":   {guest.Mount{}, "nothing is mounted"},
		"read-only":         {mount(true, same), "read-only=true"},
		"empty":             {mount(false), "it is empty"},
		"another directory": {mount(false, foreign), `holds "lib.go"`},
		"another size":      {mount(false, shorter), `"main.go" is not the file`},
		"another time":      {mount(false, newer), `"main.go" is not the file`},
		"no answer":         {guest.Mount{FSType: "9p", Silent: true}, "no answer"},
		"refused":           {guest.Mount{FSType: "virtiofs", Refused: true}, "doesn't let the VM read it"},
		"dead":              {guest.Mount{FSType: "9p", Dead: true}, "it is dead"},
	} {
		got := compareMount(dir, test.mount, false, time.Now().Add(lag))
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	// Another directory has no entry that agrees; one that the guest remembers as it was is among others that do.
	var sixty []guest.Entry
	for i := range 60 {
		name := filepath.Join(dir, fmt.Sprintf("file%d", i))
		if err := errors.Join(os.WriteFile(name, []byte("text"), 0o600), os.Chtimes(name, old, old)); err != nil {
			t.Fatal(err)
		}
		sixty = append(sixty, guest.Entry{Name: filepath.Base(name), Type: 'f', Size: 4, ModTime: old})
	}
	others := slices.Clone(sixty)
	for i := range others {
		others[i].ModTime = old.Add(time.Hour)
	}
	for name, test := range map[string]struct {
		entries []guest.Entry
		lost    bool
	}{
		"one stale of 61":             {append(slices.Clone(sixty), newer), false},
		"one of 61 that is gone":      {append([]guest.Entry{foreign}, sixty...), false},
		"all of another checkout":     {others, true},
		"a directory of another time": {append(others, guest.Entry{Name: "src", Type: 'd', ModTime: old}), true},
	} {
		if got := compareMount(dir, mount(false, test.entries...), false,
			time.Now().Add(lag)); (got != "") != test.lost {
			t.Errorf("%s: %q", name, got)
		}
	}
	// A directory at work: the guest may lag behind, and that is no fault. The file's own time says nothing: it may be a
	// copy that keeps it.
	for name, mounted := range map[string]guest.Mount{
		"a file removed a moment ago":                       mount(false, foreign),
		"all created a moment ago":                          mount(false),
		"an older file copied over it":                      mount(false, shorter),
		"a newer file that this one has taken the place of": mount(false, newer),
	} {
		if got := compareMount(dir, mounted, false, time.Now()); got != "" {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := compareMount(dir, guest.Mount{FSType: "9p", Dead: true}, false, time.Now()); got == "" {
		t.Error("a mount that is dead is no older state of the directory")
	}
}
