package tui

import (
	"io"
	"os"
)

// present is input that calls gone when nobody is there to type any more. Whoever closes a terminal sends SIGHUP as well, but
// that may be ignored (nohup), and Bubble Tea takes the end of its input for silence.
func present(input io.Reader, gone func()) io.Reader {
	if file, is := input.(*os.File); is { // of others, the end of the input means nothing
		return &watched{file, gone}
	}
	return input
}

type watched struct {
	*os.File // Bubble Tea asks a terminal for more than to read
	gone     func()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.File.Read(p)
	if err != nil {
		w.gone()
	}
	return n, err
}
