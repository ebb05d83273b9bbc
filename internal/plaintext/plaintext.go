// Package plaintext makes harmless what tools and guests report, before a person's terminal gets it, and writes
// durations the way that all faces do.
//
// The rules are: no escape sequence and no control character passes, not even a broken one, and nothing that reorders
// the text around it; and no secret, see [Redact]. All faces of worldsetup show foreign text through this package only.
package plaintext

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/atomize-hq/worldsetup/internal/lazyregexp"
)

// Clean makes a line harmless: see [Line]. Without utf8, characters outside ASCII are spelled out.
func Clean(line string, utf8 bool) string {
	line = Redact(line)
	if harmless(line) {
		return line
	}
	line = Line(line)
	if utf8 {
		return line
	}
	var text strings.Builder
	for _, r := range line {
		switch {
		case r < unicode.MaxASCII:
			text.WriteRune(r)
		case r == '…':
			text.WriteString("...")
		default:
			fmt.Fprintf(&text, `\u%04x`, r)
		}
	}
	return text.String()
}

// escapes matches terminal escape sequences, both as ESC and a letter and as the one control character that stands for
// the two: CSI; then the string sequences (OSC, DCS and their kin, up to their terminator or the end); then all others.
var escapes = lazyregexp.New(`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]` +
	`|(?:\x1b[\]PX^_]|[\x{90}\x{98}\x{9d}-\x{9f}]).*?(?:\x07|\x1b\\|\x{9c}|$)` +
	`|\x1b[ -/]*[0-~]?`)

// Line takes escape sequences and control characters out of a line. Of a line that a tool has overwritten with
// carriage returns, the last version stays. Characters that reorder the text around them go as well.
func Line(line string) string {
	line = escapes.ReplaceAllString(strings.ToValidUTF8(line, "?"), "")
	if i := strings.LastIndexByte(strings.TrimRight(line, "\r"), '\r'); i >= 0 {
		line = line[i+1:]
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, line)
}

// harmless reports whether a line is printable ASCII throughout, as most are: a flood of them should not cost a core.
func harmless(line string) bool {
	for i := range len(line) {
		if line[i] < ' ' || line[i] > '~' {
			return false
		}
	}
	return true
}
