package results

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestAppend: a file keeps the lines of every suite that appends to it, each with its time.
func TestAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.jsonl")
	want := Line{Rig: "trixie lima-2.1.4", Scenario: "one", Known: "issue 9: why"}
	began := time.Now().Add(-time.Second)
	for range 2 {
		file, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if err := file.Append(want); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := Read(strings.NewReader(string(text)))
	if err != nil || len(lines) != 40 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for _, line := range lines {
		if line.When.Before(began) {
			t.Errorf("its time is %v", line.When)
		}
		line.When = time.Time{}
		if !reflect.DeepEqual(line, want) {
			t.Errorf("got %+v", line)
		}
	}
}

func TestReadWhatIsNoResult(t *testing.T) {
	for _, text := range []string{"{}", "nothing", `{"Rig":3}`, "{\"Rig\":\"a\"}\n{"} {
		if lines, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read: %v", text, lines)
		}
	}
}
