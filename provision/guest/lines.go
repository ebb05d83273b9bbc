package guest

import (
	"bytes"
	"os"
)

// heldInput is a standard input that has nothing to read and does not end before stop is called.
func heldInput() (input *os.File, stop func(), err error) {
	input, output, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return input, func() { output.Close(); input.Close() }, nil
}

// lineWriter hands on each whole line that is written to it.
type lineWriter struct {
	each    func(string)
	partial []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.partial = append(w.partial, p...)
	for {
		line, rest, found := bytes.Cut(w.partial, []byte("\n"))
		if !found {
			return len(p), nil
		}
		w.each(string(line))
		w.partial = rest
	}
}

// endWriter keeps what is written to it and calls end once that ends with the line last.
type endWriter struct {
	last  string
	end   func()
	text  bytes.Buffer
	ended bool
}

func (w *endWriter) Write(p []byte) (int, error) {
	w.text.Write(p)
	if w.last != "" && !w.ended && bytes.HasSuffix(w.text.Bytes(), []byte("\n"+w.last+"\n")) {
		w.ended = true
		w.end()
	}
	return len(p), nil
}
