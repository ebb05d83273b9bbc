package staging

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atomize-hq/worldsetup/provision/finding"
	"github.com/atomize-hq/worldsetup/provision/layout"
)

// buffer is how much of a file is in memory.
const buffer = 256 << 10

// Write writes the stream of the delta. moved is called with the number of bytes of files that were written; nil for no
// one. changed are the files that changed while they were read, or are gone.
func (d *Delta) Write(ctx context.Context, to io.Writer, moved func(bytes int64)) (changed []string, err error) {
	root, err := os.OpenRoot(d.tree.Project)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	s := stream{ctx: ctx, root: root, tar: tar.NewWriter(to), moved: moved, buffer: make([]byte, buffer)}
	for _, i := range d.send {
		if ctx.Err() != nil {
			return s.changed, context.Cause(ctx)
		}
		if err := s.entry(&d.tree.Entries[i]); err != nil {
			return s.changed, err
		}
	}
	manifest := d.tree.Manifest()
	header := tar.Header{Typeflag: tar.TypeReg, Name: "./" + layout.ManifestName, Mode: 0o640,
		Size: int64(len(manifest)), ModTime: time.Now(), Format: tar.FormatPAX}
	if err := s.tar.WriteHeader(&header); err != nil {
		return s.changed, err
	}
	if _, err := io.WriteString(s.tar, manifest); err != nil {
		return s.changed, err
	}
	return s.changed, s.tar.Close()
}

// stream is a tar stream that is being written.
type stream struct {
	ctx     context.Context
	root    *os.Root
	tar     *tar.Writer
	moved   func(int64)
	done    int64
	buffer  []byte
	changed []string
}

func (s *stream) entry(e *Entry) error {
	header := tar.Header{Name: "./" + e.Path, Mode: int64(e.Mode), Format: tar.FormatPAX}
	switch e.Type {
	case Directory:
		header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
		return s.tar.WriteHeader(&header)
	case Link:
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, e.Link, 0o777
		return s.tar.WriteHeader(&header)
	}
	file, info, err := s.open(e)
	if err != nil || file == nil {
		return err
	}
	defer file.Close()
	header.Typeflag, header.Size, header.ModTime = tar.TypeReg, info.Size(), info.ModTime()
	if err := s.tar.WriteHeader(&header); err != nil {
		return err
	}
	return s.content(e, file, info)
}

// open opens a file of the project if it still is the one that was listed; nil when it is not. One that another takes
// the place of is copied the next time.
func (s *stream) open(e *Entry) (*os.File, os.FileInfo, error) {
	file, err := s.root.OpenFile(filepath.FromSlash(e.Path), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		s.changed = append(s.changed, e.Path)
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s can't be read: %w", filepath.Join(s.root.Name(), e.Path), finding.Cause(err))
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.Mode().IsRegular() || ok && e.same != (same{uint64(stat.Dev), stat.Ino}) {
		file.Close()
		s.changed = append(s.changed, e.Path)
		return nil, nil, nil
	}
	return file, info, nil
}

// content writes as much of a file as its header says.
func (s *stream) content(e *Entry, file *os.File, info os.FileInfo) error {
	left := info.Size()
	for left > 0 {
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		n, err := file.Read(s.buffer[:min(left, int64(len(s.buffer)))])
		if err != nil && err != io.EOF {
			return fmt.Errorf("%s can't be read: %w", filepath.Join(s.root.Name(), e.Path), finding.Cause(err))
		}
		if n == 0 { // it has become shorter
			n = int(min(left, int64(len(s.buffer))))
			clear(s.buffer[:n])
		}
		if _, err := s.tar.Write(s.buffer[:n]); err != nil {
			return err
		}
		left -= int64(n)
		if s.done += int64(n); s.moved != nil {
			s.moved(s.done)
		}
	}
	if now, err := file.Stat(); err != nil || now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime()) {
		s.changed = append(s.changed, e.Path)
	}
	return nil
}
