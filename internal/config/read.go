package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"

	"github.com/atomize-hq/worldsetup/provision"
)

// maxSize is the largest file that is read, in bytes. All keys with their documentation have less than 4 KiB, and the parser
// takes time with the square of the nesting: 64 KiB of brackets kept it busy for 25 s, and these for 1 s.
const maxSize = 16 << 10

// Read reads the file at path strictly. It returns nil without an error when there is none.
func Read(path string, keys []Key) (*File, error) {
	text, err := load(path)
	if text == nil || err != nil {
		return nil, err
	}
	return parse(path, text, keys)
}

// load returns the text of a file that nobody else can have written; nil when there is no file.
func load(path string) ([]byte, error) {
	// Without O_NONBLOCK, opening a FIFO would wait for a writer.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		if _, lerr := os.Lstat(path); lerr != nil {
			return nil, nil
		}
	}
	if err != nil {
		return nil, usage("make it readable, or remove it", "the choices that are kept cannot be read: %v", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, usage("make it readable, or remove it", "the choices that are kept cannot be read: %v", err)
	}
	if err := acceptable(path, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	switch {
	case err != nil:
		return nil, usage("make it readable, or remove it", "the choices that are kept cannot be read: %v", err)
	case len(text) > maxSize:
		return nil, tooLarge(path)
	}
	return plainText(path, text)
}

// acceptable refuses what is no file of choices, and what somebody else could have written: it says what runs in the VM.
func acceptable(path string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return usage("rename it: a file of that name keeps choices", "%s is a directory", path)
	case !info.Mode().IsRegular():
		return usage("rename it: a file of that name keeps choices", "%s is no regular file", path)
	case info.Size() > maxSize:
		return tooLarge(path)
	case info.Mode().Perm()&0o002 != 0:
		return usage("chmod go-w "+quote(path), "%s can be written by everybody, and says what is run", path)
	case info.Mode().Perm()&0o020 != 0 && !ownGroup(info):
		return usage("chmod go-w "+quote(path), "%s can be written by others, its group, and says what is run", path)
	case !ownFile(info):
		return usage("make it your own: copy it", "%s belongs to another user, and says what is run", path)
	}
	return nil
}

func tooLarge(path string) error {
	return usage("`worldsetup init` writes one", "%s has more than %d bytes, which no file of choices has", path, maxSize)
}

// plainText is text without a byte order mark.
func plainText(path string, text []byte) ([]byte, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		return nil, usage("write it as UTF-8", "%s is not in UTF-8", path)
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if at := bytes.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); at >= 0 {
			return nil, usage("remove it", "%s:%d: there is a control character, %q", path, i+1, line[at])
		}
	}
	if text == nil {
		text = []byte{} // empty is not absent
	}
	return text, nil
}

func usage(next, format string, args ...any) *provision.Error {
	return &provision.Error{Kind: provision.KindUsage, What: fmt.Sprintf(format, args...), Next: next}
}
