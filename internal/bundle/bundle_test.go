package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// unpack returns the files of an archive.
func unpack(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(zipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil || header.Mode != 0o600 {
			t.Errorf("%s: mode %o, %v", header.Name, header.Mode, err)
		}
		files[strings.TrimPrefix(header.Name, "worldsetup-bundle/")] = string(content)
	}
}

// The manifest tells each failure, and none ends the archive; limits hold, and the end of a part is kept.
func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.tar.gz")
	text := func(text string) func(context.Context) ([]byte, error) {
		return func(context.Context) ([]byte, error) { return []byte(text), nil }
	}
	parts := []Part{
		{Name: "fine", Read: text("a secret\n")},
		{Name: "failed", Read: func(context.Context) ([]byte, error) { return []byte("half"), errors.New("no secret here") }},
		{Name: "slow", Read: func(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }},
		{Name: "bug", Read: func(context.Context) ([]byte, error) { panic("oh secret") }},
		{Name: "long", Read: text(strings.Repeat("0123456789\n", 10) + "the end\n")},
		{Name: "too much", Read: text(strings.Repeat("x\n", 20))},
		{Name: "nothing left", Read: text("y\n")},
	}
	clean := func(content []byte) []byte { return bytes.ReplaceAll(content, []byte("secret"), []byte("***")) }
	limits := Limits{Part: 40, Total: 80, Time: 10 * time.Millisecond}
	if _, err := Write(t.Context(), path, Manifest{Version: "v"}, parts, limits, clean); err != nil {
		t.Fatal(err)
	}
	files := unpack(t, path)
	var manifest Manifest
	if err := json.Unmarshal([]byte(files[ManifestName]), &manifest); err != nil || len(manifest.Parts) != len(parts) {
		t.Fatalf("%v: %s", err, files[ManifestName])
	}
	for i, want := range []string{"", "no *** here", "it took longer than 10ms\ncontext deadline exceeded",
		"a bug: oh ***", "", "", ""} {
		if got := manifest.Parts[i].Error; got != want {
			t.Errorf("%s: %q, want %q", parts[i].Name, got, want)
		}
	}
	if files["fine"] != "a ***\n" || files["failed"] != "half" || files["long"] != "0123456789\n0123456789\nthe end\n" ||
		files["nothing left"] != "y\n" && manifest.Parts[6].Left != 2 {
		t.Errorf("%q", files)
	}
	total := 0
	for _, entry := range manifest.Parts {
		total += entry.Bytes
	}
	if total > limits.Total {
		t.Errorf("%d bytes", total)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := Write(t.Context(), path, Manifest{}, nil, limits, clean); !errors.Is(err, os.ErrExist) {
		t.Errorf("what was there was replaced: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A run that was stopped leaves nothing.
func TestWriteIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	parts := []Part{{Name: "a", Read: func(context.Context) ([]byte, error) { cancel(); return nil, nil }}, {Name: "b"}}
	path := filepath.Join(t.TempDir(), "b.tar.gz")
	_, err := Write(ctx, path, Manifest{}, parts, Limits{Time: time.Minute}, func(b []byte) []byte { return b })
	if entries, _ := os.ReadDir(filepath.Dir(path)); !errors.Is(err, context.Canceled) || len(entries) > 0 {
		t.Errorf("%v, %v", err, entries)
	}
}

// Only regular files are read, and of a long one the end.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	pipe, log := filepath.Join(dir, "pipe"), filepath.Join(dir, "log")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600),
		os.WriteFile(log, []byte("first\nsecond\nlast\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, dir, filepath.Join(dir, "none")} {
		if _, err := File(path, 10)(t.Context()); err == nil {
			t.Errorf("%s was read", path)
		}
	}
	if text, err := File(log, 8)(t.Context()); string(text) != "last\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}
