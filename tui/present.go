package tui

import "io"

// file is a terminal, of which Bubble Tea asks for more than to read.
type file interface {
	io.ReadWriteCloser
	Fd() uintptr
	Name() string
}

// present is input that calls gone when nobody is there to type any more. Whoever closes a terminal sends SIGHUP as well, but
// that may be ignored (nohup), and Bubble Tea takes the end of its input for silence.
func present(input io.Reader, gone func()) io.Reader {
	if terminal, is := input.(file); is { // of others, the end of the input means nothing
		return &watched{terminal, gone}
	}
	return input
}

type watched struct {
	file
	gone func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.file.Read(p)
	if err != nil {
		w.gone()
	}
	return n, err
}
