package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/charmbracelet/x/term"
)

// streams are what the command is connected to.
type streams struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Screen   *screen // of the terminal while the wizard has it
}

// system returns the streams of this process. A standard output that was closed from the start (>&-) can't be
// distinguished from /dev/null: Go's runtime opens that in its place, as other programs rightly do for a child whose
// output they don't want.
func system() streams {
	return streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Screen: &screen{}}
}

// utf8 reports whether the locale shows more than ASCII.
func (s streams) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(s.Getenv(name)); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
}

// terminal is where a user sits. The zero value means that there is none.
type terminal struct {
	in  io.Reader
	out io.Writer
}

// terminal returns where the wizard can run: a terminal to read keys from, and one to draw on. Where standard output is
// redirected that is standard error, and only the result goes to standard output.
func (s streams) terminal() terminal {
	if name := s.Getenv("TERM"); name == "" || name == "dumb" || s.Getenv("ACCESSIBLE") != "" {
		return terminal{}
	}
	return s.person()
}

// person returns where prompts in lines can be answered: a terminal on both sides, of any kind.
func (s streams) person() terminal {
	if !isTerminal(s.In) {
		return terminal{}
	}
	for _, out := range []io.Writer{s.Out, s.Err} {
		if isTerminal(out) {
			return terminal{s.In, out}
		}
	}
	return terminal{}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(file.Fd())
}

// width returns the columns of a stream's terminal; 0 for none.
func width(stream any) int {
	file, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(file.Fd())
	if err != nil {
		return 0
	}
	return width
}

// screen remembers the terminal's state before the wizard, for an exit that does not wait for the wizard.
type screen struct {
	mu    sync.Mutex
	fd    uintptr
	state *term.State
	out   io.Writer
}

// take remembers the state of the terminal that the wizard is about to use. Call release when the wizard has left it.
func (s *screen) take(at terminal) (release func()) {
	in, ok := at.in.(*os.File)
	if s == nil || !ok {
		return func() {}
	}
	state, err := term.GetState(in.Fd())
	if err != nil {
		return func() {}
	}
	s.set(in.Fd(), state, at.out)
	return func() { s.set(0, nil, nil) }
}

func (s *screen) set(fd uintptr, state *term.State, out io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fd, s.state, s.out = fd, state, out
}

// restore restores the terminal, if the wizard has it: the main screen, the cursor, echo, and without the modes that
// Bubble Tea sets (reports of focus and of the mouse, bracketed paste, key enhancements, the progress bar).
func (s *screen) restore() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return
	}
	_, _ = io.WriteString(s.out, "\x1b[?1004l\x1b[?1002l\x1b[?1003l\x1b[?1006l"+
		"\x1b[?2004l\x1b[<u\x1b[>4;0m\x1b]9;4;0\x07\x1b[?1049l\x1b[?25h\r\n")
	_ = term.Restore(s.fd, s.state)
	s.state = nil
}

// watchedWriter reports the first failed write, and writes nothing more after it.
type watchedWriter struct {
	to     io.Writer
	failed func(error)
	err    error
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.to.Write(p)
	if err != nil {
		w.err = fmt.Errorf("the output can't be written: %w", err)
		if errors.Is(err, syscall.EPIPE) {
			w.err = fmt.Errorf("the reader of the output has gone (%w)", err)
		}
		w.failed(w.err)
	}
	return n, err
}
