package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
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

// clean makes a line harmless. Where the locale has ASCII only, other characters are spelled out.
func (l *lines) clean(line string) string { return plaintext.Clean(line, l.utf8) }
