// Package config reads and writes worldsetup.yaml, which holds values of options.
//
// The rules are: the file is a flat list of keys with one plain value each. It is read strictly: an unknown key, a
// duplicate key, a value of another type and everything else that YAML offers are errors that name the file, the line
// and the key. The caller decides what a value means. An edit changes only the lines of the keys that it is about, so
// comments, order, blank lines and line ends stay. Files are written whole or not at all.
package config

import (
	"path/filepath"
)

// Name is the name of the file, in a project and in the user's configuration directory.
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

var kinds = [...]struct{ name, advice string }{
	Text:   {"text", "give it as one text"},
	Number: {"whole number", "give a whole number, without quotes"},
	Size:   {"text, or whole number of bytes", "give a size such as 4GiB or 512MiB"},
	Switch: {"switch", "use true or false, without quotes"},
}

func (k Kind) String() string { return kinds[k].name }

// Key is a key of the file. Never reports why the file may not have it; it is empty for a key that it may have.
type Key struct {
	Name  string
	Kind  Kind
	Never string
}

// Value is the value of a key, as text whatever its kind. Line is its line in the file. In a change, an empty text
// removes the key.
type Value struct {
	Key, Text string
	Line      int

	column int    // of the value in its line, from 1
	source string // the value as it is written in the file
}

// File is a file that was read.
type File struct {
	Path   string
	Values []Value
	keys   []Key
	text   []byte
}

// New returns a file that does not exist yet, with an initial text of comments.
func New(path string, text []byte, keys []Key) *File {
	return &File{Path: path, text: text, keys: keys}
}

// Text returns the file as it was read.
func (f *File) Text() []byte { return f.text }

// UserPath returns the path of the user's own file: in $XDG_CONFIG_HOME, else in ~/.config, on every system. It is
// empty when neither is known; a relative XDG_CONFIG_HOME is ignored, as the XDG specification demands.
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
