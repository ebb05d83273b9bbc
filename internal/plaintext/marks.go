package plaintext

import (
	"strconv"

	"github.com/atomize-hq/worldsetup/provision/finding"
)

// glyphs stand for outcomes, in ASCII and beyond: one cell, different for each.
var glyphs = map[finding.Outcome][2]string{
	finding.OK: {"+", "✓"}, finding.Info: {"i", "i"}, finding.Warning: {"!", "!"}, finding.Failed: {"x", "✗"},
	finding.Skipped: {"-", "–"}, finding.Omitted: {"-", "–"},
}

// Glyph returns the mark of an outcome; without utf8, in ASCII.
func Glyph(outcome finding.Outcome, utf8 bool) string {
	glyph, ok := glyphs[outcome]
	switch {
	case !ok:
		return "?"
	case utf8:
		return glyph[1]
	}
	return glyph[0]
}

// letters stand for the types of files, as stat names them, in the way of ls.
var letters = map[string]string{
	"socket": "s", "regular file": "-", "regular empty file": "-", "directory": "d", "symbolic link": "l", "fifo": "p",
	"block special file": "b", "character special file": "c",
}

// Mode writes the type of a file and its octal mode as ls does. One that is no octal number is written as it is.
func Mode(kind, mode string) string {
	bits, err := strconv.ParseUint(mode, 8, 32)
	if err != nil {
		return kind + " " + mode
	}
	const rights = "rwxrwxrwx"
	text := []byte(rights)
	for i := range rights {
		if bits&(1<<(len(rights)-1-i)) == 0 {
			text[i] = '-'
		}
	}
	letter, ok := letters[kind]
	if !ok {
		letter = "?"
	}
	return letter + string(text)
}
