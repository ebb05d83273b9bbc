package provision

import (
	"os"
	"path/filepath"
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
	for _, name := range []string{path, dir} {
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
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
	} {
		got := compareMount(dir, test.mount, false, time.Now())
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	// A directory at work: the guest may lag behind, and that is no fault.
	if err := os.Chtimes(dir, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := compareMount(dir, mount(false, foreign), false, time.Now()); got != "" {
		t.Errorf("a file removed a moment ago: got %q", got)
	}
}
