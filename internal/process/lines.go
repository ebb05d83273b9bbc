package process

import (
	"bytes"
	"fmt"
	"strings"
)

// tailSize is how much of an output is kept for messages, and lineSize how much of one line, in bytes.
const (
	tailSize = 64 << 10
	lineSize = 1 << 20
)

// Lines passes on each line that a program writes to it, and keeps the tail of its output. What is cut off is replaced
// by words that say so.
type Lines struct {
	Each    func(string) // nil for the tail only
	Exact   bool         // pass on a carriage return at the end of a line
	partial []byte
	over    bool // the rest of the line is cut off
	tail    []byte
	cut     bool
}

func (l *Lines) Write(p []byte) (int, error) {
	l.tail = append(l.tail, p...)
	if over := len(l.tail) - tailSize; over > 0 {
		l.tail = append(l.tail[:0], l.tail[over:]...)
		l.cut = true
	}
	if l.Each == nil {
		return len(p), nil
	}
	for rest := p; len(rest) > 0; {
		line, next, found := bytes.Cut(rest, []byte("\n"))
		rest = next
		room := lineSize - len(l.partial)
		l.over = l.over || len(line) > room
		l.partial = append(l.partial, line[:min(len(line), room)]...)
		if found {
			l.pass()
		}
	}
	return len(p), nil
}

// pass passes on a line.
func (l *Lines) pass() {
	line := string(l.partial)
	if !l.Exact {
		line = strings.TrimRight(line, "\r")
	}
	if l.over {
		line = fmt.Sprintf("%s… (the rest of a line of more than %d KiB was cut off)", line, lineSize>>10)
	}
	l.partial, l.over = l.partial[:0], false
	l.Each(line)
}

// Flush passes on a last line that has no end.
func (l *Lines) Flush() {
	if len(l.partial) > 0 {
		l.pass()
	}
}

// Tail returns the end of the output.
func (l *Lines) Tail() string {
	if l.cut {
		return fmt.Sprintf("… (all but the last %d KiB was cut off)\n%s", tailSize>>10, l.tail)
	}
	return string(l.tail)
}

// LastLine returns the last line that is not blank.
func (l *Lines) LastLine() string {
	text := strings.TrimSpace(l.Tail())
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
