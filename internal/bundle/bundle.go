// Package bundle writes one archive of several texts about a machine, for a report.
//
// The rules are: a part that can't be read is reported in the manifest, with the reason, and ends nothing; each part
// has a limit, of which the end counts, and a time; the archive is readable for its owner only, and there all at once
// or not at all.
package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Part is one file of the archive.
type Part struct {
	// Name is that of the file in the archive; What describes it to a person.
	Name, What string
	// Read returns the content, and where it can the rest along with an error.
	Read func(context.Context) ([]byte, error)
}

// Limits bound an archive, before it is compressed, and the time that a part takes.
type Limits struct {
	Part, Total int
	Time        time.Duration
}

// Entry is the line of the manifest about a part.
type Entry struct {
	Name  string `json:"name"`
	What  string `json:"what"`
	Bytes int    `json:"bytes"`
	// Left is how many bytes at the beginning were left out.
	Left  int    `json:"left_out,omitempty"`
	Error string `json:"error,omitempty"`
}

// Manifest lists the parts, those that failed as well.
type Manifest struct {
	Schema  int       `json:"schema"`
	Time    time.Time `json:"time"`
	Version string    `json:"version"`
	Parts   []Entry   `json:"parts"`
}

// ManifestName is the first file of each archive.
const ManifestName = "manifest.json"

// Write reads the parts, has clean redact each of them and the reasons of failures, and writes the archive at path,
// where nothing may be yet. The manifest comes with the schema, time and version that it has.
func Write(
	ctx context.Context, path string, manifest Manifest, parts []Part, limits Limits, clean func([]byte) []byte,
) (Manifest, error) {
	manifest.Parts = []Entry{}
	contents, total := [][]byte{}, 0
	for _, part := range parts {
		if ctx.Err() != nil {
			return manifest, context.Cause(ctx)
		}
		content, err := read(ctx, part, limits.Time)
		content = clean(tail(content, limits.Part)) // redacting takes time with the size
		entry := Entry{Name: part.Name, What: part.What}
		if err != nil {
			entry.Error = string(clean([]byte(err.Error())))
		}
		kept := tail(content, max(0, limits.Total-total))
		entry.Left = len(content) - len(kept)
		entry.Bytes, total = len(kept), total+len(kept)
		manifest.Parts, contents = append(manifest.Parts, entry), append(contents, kept)
	}
	index, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return manifest, err
	}
	var archive bytes.Buffer
	zipped := gzip.NewWriter(&archive)
	files := tar.NewWriter(zipped)
	add := func(name string, content []byte) {
		header := &tar.Header{Name: "worldsetup-bundle/" + name, Mode: 0o600, Size: int64(len(content)),
			ModTime: manifest.Time}
		err = errors.Join(err, files.WriteHeader(header))
		_, werr := files.Write(content)
		err = errors.Join(err, werr)
	}
	add(ManifestName, append(index, '\n'))
	for i, entry := range manifest.Parts {
		if entry.Bytes > 0 {
			add(entry.Name, contents[i])
		}
	}
	if err = errors.Join(err, files.Close(), zipped.Close()); err != nil {
		return manifest, err
	}
	return manifest, place(path, archive.Bytes())
}

// read reads a part, in its time. A part that panics has failed.
func read(ctx context.Context, part Part, limit time.Duration) (content []byte, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %v", limit))
	defer cancel()
	defer func() {
		if problem := recover(); problem != nil {
			content, err = nil, fmt.Errorf("a bug: %v", problem)
		}
	}()
	content, err = part.Read(ctx)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return content, err
}

// tail returns the last lines that fit.
func tail(content []byte, limit int) []byte {
	if len(content) <= limit {
		return content
	}
	content = content[len(content)-limit:]
	if i := bytes.IndexByte(content, '\n'); i >= 0 {
		content = content[i+1:] // half a line could hold half a secret, without its name
	}
	return content
}

// place writes a new file, all of it or nothing.
func place(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), path) // unlike a rename, it replaces nothing
}

// File returns a reader of the end of a regular file, with what is read once around.
func File(path string, limit int64) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) {
		// Without O_NONBLOCK, opening a FIFO would wait for a writer.
		file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("it is no regular file")}
		}
		begin := max(0, info.Size()-limit)
		content, err := io.ReadAll(io.NewSectionReader(file, begin, limit))
		if i := bytes.IndexByte(content, '\n'); begin > 0 && i >= 0 {
			content = content[i+1:]
		}
		return content, err
	}
}
