package main

import (
	"io"
	"os"
	"sync"

	"github.com/charmbracelet/x/term"
)

// screen remembers how the terminal was before the wizard, for an end that does not wait for it.
type screen struct {
	mu    sync.Mutex
	fd    uintptr
	state *term.State
	out   io.Writer
}

// take remembers the terminal that the wizard is about to have. Call giveBack when the wizard has left it.
func (s *screen) take(seat terminal) (giveBack func()) {
	in, ok := seat.in.(*os.File)
	if s == nil || !ok {
		return func() {}
	}
	state, err := term.GetState(in.Fd())
	if err != nil {
		return func() {}
	}
	s.set(in.Fd(), state, seat.out)
	return func() { s.set(0, nil, nil) }
}

func (s *screen) set(fd uintptr, state *term.State, out io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fd, s.state, s.out = fd, state, out
}

// restore brings the terminal back, if the wizard has it: to the main screen, with a cursor, without the modes that Bubble
// Tea sets (bracketed paste, key enhancements, the progress bar), and with echo.
func (s *screen) restore() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return
	}
	_, _ = io.WriteString(s.out, "\x1b[?2004l\x1b[<u\x1b[>4;0m\x1b]9;4;0\x07\x1b[?1049l\x1b[?25h\r\n")
	_ = term.Restore(s.fd, s.state)
	s.state = nil
}
