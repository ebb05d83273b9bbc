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
	if !bytes.Contains(out.Bytes(), []byte("\x1b[?1049l")) {
		t.Errorf("the alternate screen was not left: %q", out.String())
	}
	out.Reset()
	release()
	if s.restore(); out.Len() > 0 {
		t.Errorf("the wizard had left already: %q", out.String())
	}
}
