package config

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"unicode/utf8"

	"al.essio.dev/pkg/shellescape"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

// maxSize is the largest file that is read, in bytes. All keys with their documentation have less than 4 KiB, and the
// parser takes time with the square of the nesting: 64 KiB of brackets kept it busy for 25 s, and these for 1 s.
const maxSize = 16 << 10

// Read reads the file at path strictly. It returns nil without an error when there is none.
func Read(path string, keys []Key) (*File, error) {
	text, err := load(path)
	if text == nil || err != nil {
		return nil, err
	}
	return parse(path, text, keys)
}

// load returns the text of a file that no other user can have written; nil when there is no file.
func load(path string) ([]byte, error) {
	unreadable := func(err error) error {
		return usage("make it readable, or remove it", "the configuration file can't be read: %v", err)
	}
	// Without O_NONBLOCK, opening a FIFO would wait for a writer.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		if _, lerr := os.Lstat(path); lerr != nil {
			return nil, nil
		}
	}
	if err != nil {
		return nil, unreadable(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, unreadable(err)
	}
	if err := acceptable(path, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case len(text) > maxSize:
		return nil, tooLarge(path)
	}
	return plainText(path, text)
}

// acceptable refuses a file that is no configuration file, or that another user could have written: the file decides
// what runs in the VM.
func acceptable(path string, info fs.FileInfo) error {
	const rename, decides = "rename it: a file of that name is a configuration file",
		"and it decides what runs in the VM"
	switch {
	case info.IsDir():
		return usage(rename, "%s is a directory", path)
	case !info.Mode().IsRegular():
		return usage(rename, "%s is not a regular file", path)
	case info.Size() > maxSize:
		return tooLarge(path)
	case info.Mode().Perm()&0o002 != 0:
		return usage("chmod go-w "+shellescape.Quote(path), "%s is writable for all users, %s", path, decides)
	case info.Mode().Perm()&0o020 != 0 && !ownGroup(info):
		return usage("chmod go-w "+shellescape.Quote(path), "%s is writable for its group, %s", path, decides)
	case !ownFile(info):
		return usage("make it your own: copy it", "%s belongs to another user, %s", path, decides)
	}
	return nil
}

// ownFile reports whether a file belongs to this user or to root.
func ownFile(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || stat.Uid == 0 || int(stat.Uid) == os.Geteuid()
}

// ownGroup reports whether a file's group is this user's private one, which has the user's number and name on most
// Linux systems: there a fresh checkout is writable for it.
func ownGroup(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Gid) != os.Getegid() {
		return false
	}
	me, err := user.Current()
	if err != nil {
		return false
	}
	group, err := user.LookupGroupId(strconv.Itoa(int(stat.Gid)))
	return err == nil && group.Name == me.Username
}

func tooLarge(path string) error {
	return usage("`worldsetup init` writes one", "%s has more than %s, the limit", path, plaintext.Bytes(maxSize))
}

// plainText checks that text is UTF-8 without control characters, and removes a byte order mark.
func plainText(path string, text []byte) ([]byte, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if !utf8.Valid(text) {
		return nil, usage("write it as UTF-8", "%s is not in UTF-8", path)
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if at := bytes.IndexFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }); at >= 0 {
			return nil, usage("remove it", "%s:%d: it contains the control character %q", path, i+1, line[at])
		}
	}
	if text == nil {
		text = []byte{} // empty is not absent
	}
	return text, nil
}

// Write replaces the file at path, all of it or nothing. An existing file keeps its permissions, except that others
// may not write it; a symbolic link stays, and its target is written.
func Write(path string, text []byte, mode fs.FileMode) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm() &^ 0o022
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
