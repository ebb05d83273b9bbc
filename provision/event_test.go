package provision

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestJournalIsBounded: a log stops at the output of tools that never ends, says so, and still holds how the run ended.
func TestJournalIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	for range 3 { // runs
		journal, err := openJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		journal.size = maxJournal - 1000
		for range 12 {
			journal.write(Event{Type: EventLog, Message: strings.Repeat("x", 400)})
			journal.write(Event{Type: EventStep})
		}
		journal.write(Event{Type: EventFinished})
		journal.closeFile()
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(files) != 2 {
		t.Errorf("the files are %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || len(text) > 4000 {
			t.Errorf("%s has %d bytes, %v", file, len(text), err)
		}
		if bytes.Count(text, []byte("is left out")) != 1 || bytes.Count(text, []byte(`"step"`)) != 12 ||
			!bytes.HasSuffix(text, []byte(`"finished"}`+"\n")) {
			t.Errorf("%s holds %s", file, text)
		}
	}
}
