package process

import (
	"bytes"
	"strings"
)

// tailSize is how much of an output is kept for messages, in bytes.
const tailSize = 64 << 10

// Lines passes on each line that a program writes to it, and keeps the tail of its output.
type Lines struct {
	Each    func(string) // nil for the tail only
	partial []byte
	tail    []byte
}

func (l *Lines) Write(p []byte) (int, error) {
	l.tail = append(l.tail, p...)
	if over := len(l.tail) - tailSize; over > 0 {
		l.tail = append(l.tail[:0], l.tail[over:]...)
	}
	if l.Each == nil {
		return len(p), nil
	}
	l.partial = append(l.partial, p...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		l.Each(strings.TrimRight(string(line), "\r"))
		l.partial = rest
	}
}

// Flush passes on a last line that has no end.
func (l *Lines) Flush() {
	if len(l.partial) > 0 {
		l.Each(string(l.partial))
	}
	l.partial = nil
}

// Tail returns the end of the output.
func (l *Lines) Tail() string { return string(l.tail) }

// LastLine returns the last line that is not blank.
func (l *Lines) LastLine() string {
	text := strings.TrimSpace(l.Tail())
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
