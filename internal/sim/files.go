package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strings"
)

// The kinds of file, in stat(1)'s words.
const (
	regular    = "regular file"
	directory  = "directory"
	socketFile = "socket"
	symlink    = "symbolic link" // its data is where it leads
)

// file is a file in the guest.
type file struct {
	kind     string
	mode     uint32
	uid, gid int
	data     []byte
	inode    int // unique
	version  int // unique: stands for the time of change
}

// put writes the file at path, in the place of what is there.
func (m *machine) put(path string, f file) *file {
	m.version++
	f.inode, f.version = m.version, m.version
	m.files[path] = &f
	return &f
}

// move renames what is at from, over what is at to.
func (m *machine) move(from, to string) {
	m.files[to] = m.files[from]
	delete(m.files, from)
}

// remove removes what is at path, and below it.
func (m *machine) remove(path string) {
	for other := range m.files {
		if other == path || strings.HasPrefix(other, path+"/") {
			delete(m.files, other)
		}
	}
}

// reaches says whether s gets through all directories above path.
func (m *machine) reaches(path string, s session) bool {
	for above := filepath.Dir(path); ; above = filepath.Dir(above) {
		if f := m.files[above]; f != nil && s.uid != 0 && !f.allows(s, 1) {
			return false
		}
		if above == "/" {
			return true
		}
	}
}

// is says whether there is something of that kind at path.
func (m *machine) is(path, kind string) bool {
	f := m.files[path]
	return f != nil && f.kind == kind
}

// typeName is stat(1)'s word for what f is.
func (f *file) typeName() string {
	if f.kind == regular && len(f.data) == 0 {
		return "regular empty file"
	}
	return f.kind
}

// allows says whether s may do with f what bit says: 4 read, 2 write, 1 execute or enter.
func (f *file) allows(s session, bit uint32) bool {
	if s.uid == 0 {
		return bit != 1 || f.mode&0o111 != 0
	}
	shift := 0
	if s.uid == f.uid {
		shift = 6
	} else if slices.Contains(s.gids, f.gid) {
		shift = 3
	}
	return f.mode>>shift&bit != 0
}

func sum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}
