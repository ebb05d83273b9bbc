package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A log that is followed goes on with the next run's, after the rest of the one before.
func TestFollowTheNextRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.log")
	old, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	write := func(to io.Writer, text string) {
		t.Helper()
		if _, err := io.WriteString(to, text); err != nil {
			t.Fatal(err)
		}
	}
	write(old, "first\n")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	lines, ended := make(chan string), make(chan error, 1)
	go func() {
		defer close(lines)
		ended <- readLog(ctx, path, true, func(line []byte) { lines <- string(line) })
	}()
	if line := <-lines; line != "first\n" {
		t.Fatalf("%q", line)
	}
	write(old, "second\ncut off")
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("of the next run\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"second\n", "cut off", "of the next run\n"} {
		if line := <-lines; line != want {
			t.Errorf("%q, want %q", line, want)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
