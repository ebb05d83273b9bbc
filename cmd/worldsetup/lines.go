package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
)

// lines writes text line by line, a write a line. Whatever a tool or a guest said is made harmless on the way.
type lines struct {
	to   io.Writer
	utf8 bool
}

func newLines(to io.Writer, utf8 bool) *lines { return &lines{to, utf8} }

// printf writes one line; should an argument hold newlines, what follows them is indented.
func (l *lines) printf(format string, args ...any) {
	l.put("", "      ", fmt.Sprintf(format, args...))
}

// put writes text with first before its first line and rest before the others, or nothing when text is empty. Errors
// are the writer's to know.
func (l *lines) put(first, rest, text string) {
	prefix := first
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		_, _ = io.WriteString(l.to, strings.TrimRight(prefix+l.clean(strings.TrimRight(line, "\r\n")), " ")+"\n")
		prefix = rest
	}
}

// clean makes a line harmless: see plainText. Where the locale has ASCII only, other characters are spelled out.
func (l *lines) clean(line string) string {
	line = plainText(line)
	if l.utf8 {
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
var escapes = regexp.MustCompile(`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]` +
	`|(?:\x1b[\]PX^_]|[\x{90}\x{98}\x{9d}-\x{9f}]).*?(?:\x07|\x1b\\|\x{9c}|$)` +
	`|\x1b[ -/]*[0-~]?`)

// plainText takes escape sequences and control characters out of a line. Of a line that a tool has overwritten with
// carriage returns, the last version stays. Characters that reorder the text around them go as well.
func plainText(line string) string {
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
