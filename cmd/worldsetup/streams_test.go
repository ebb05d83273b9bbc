package main

import (
	"bytes"
	"testing"

	"github.com/charmbracelet/x/term"
	"github.com/creack/pty"
)

// A second signal does not wait for the wizard: the terminal must be usable all the same.
func TestScreenRestore(t *testing.T) {
	device, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	defer tty.Close()
	before, err := term.GetState(tty.Fd())
	if err != nil {
		t.Fatal(err)
	}
	var s screen
	var out bytes.Buffer
	s.restore()
	release := s.take(terminal{tty, &out})
	if _, err := term.MakeRaw(tty.Fd()); err != nil {
		t.Fatal(err)
	}
	s.restore()
	if after, err := term.GetState(tty.Fd()); err != nil || *after != *before {
		t.Errorf("%v: the terminal is not as it was", err)
	}
	for mode, words := range map[string]string{
		"\x1b[?1049l": "the alternate screen", "\x1b[?1004l": "reports of focus", "\x1b[?1002l": "reports of the mouse",
		"\x1b[?1003l": "all reports of the mouse", "\x1b[?1006l": "their form", "\x1b[?2004l": "bracketed paste",
	} {
		if !bytes.Contains(out.Bytes(), []byte(mode)) {
			t.Errorf("%s: not left: %q", words, out.String())
		}
	}
	out.Reset()
	release()
	if s.restore(); out.Len() > 0 {
		t.Errorf("the wizard had left already: %q", out.String())
	}
}
