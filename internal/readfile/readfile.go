// Package readfile reads files that others name: regular ones only, and not more of them than expected.
package readfile

import (
	"fmt"
	"io"
	"os"

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
