// Package config reads and writes worldsetup.yaml, in which choices are kept.
//
// The rules are: the file is a flat list of keys with one plain value each. It is read strictly: a key that nobody knows, a
// key that stands twice, a value of another type, and anything that YAML offers beyond that are errors, which name the file,
// the line and the key. What a value means is the caller's to judge. Writing keeps what is there already, comments included,
// and puts all of a file in its place, or nothing.
package config

import (
	"path/filepath"
)

// Name is what the file is called, in a project and in the user's folder.
const Name = "worldsetup.yaml"

// Kind is the type of a value.
type Kind int

// The kinds.
const (
	Text   Kind = iota // a string
	Number             // a whole number
	Size               // a string such as 4GiB, or a whole number of bytes
	Switch             // true or false
)

// Key is a key that the file may have. Never says why it may not, of one that people might expect.
type Key struct {
	Name  string
	Kind  Kind
	Never string
}

// Entry is a key with its value, as text, whatever its kind. Line is where it stands. Of a change, an empty value means that
// the key goes.
type Entry struct {
	Key, Value string
	Line       int
}

// File is what was read.
type File struct {
	Path    string
	Entries []Entry
	text    []byte
}

// UserPath is where the user's own file is: in $XDG_CONFIG_HOME, else in ~/.config, on every system. It is empty when
// neither is known; a relative one is none, as the XDG specification says.
func UserPath(getenv func(string) string) string {
	dir := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		home := getenv("HOME")
		if !filepath.IsAbs(home) {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "worldsetup", Name)
}
