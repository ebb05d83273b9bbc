// Package readfile reads files that others name: regular ones only, and not more of them than expected.
package readfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// Open opens path for reading if it is a regular file; a FIFO or device would block or never end.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		kind := "no regular file"
		if info.IsDir() {
			kind = "a directory"
		}
		return nil, fmt.Errorf("%s is %s", path, kind)
	}
	return os.Open(path)
}

// Limited reads a regular file of at most limit bytes.
func Limited(path string, limit int64) ([]byte, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, fmt.Errorf("%s has more than %s", path, plaintext.Bytes(limit))
	}
	return text, err
}

// OpenPlain opens a file that must be no link and have no second name: others may be able to write to its directory.
// One that it makes is for all to read.
func OpenPlain(path string, flag int) (*os.File, error) {
	file, err := os.OpenFile(path, flag|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o644)
	if errors.Is(err, syscall.ELOOP) {
		return nil, errors.New(path + " is a link, which another user may have made")
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		status, ok := info.Sys().(*syscall.Stat_t)
		if !info.Mode().IsRegular() || !ok || status.Nlink > 1 {
			err = errors.New(path + " is no plain file; another user may have made it")
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
