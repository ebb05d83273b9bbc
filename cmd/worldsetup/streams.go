package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// streams are what the command is connected to.
type streams struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	Screen   *screen // of the terminal while the wizard has it
}

// system are the streams of this process. A standard output that was closed from the start (>&-) cannot be told from
// /dev/null: Go's runtime opens that in its place, as other programs rightly do for a child whose output they don't want.
func system() streams {
	return streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Screen: &screen{}}
}

// utf8 says whether the locale shows more than ASCII.
func (s streams) utf8() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToLower(s.Getenv(name)); value != "" {
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return false
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
		w.err = unread(err)
		w.failed(w.err)
	}
	return n, err
}

// unread says in words what a failed write to standard output means.
func unread(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("nobody reads the output any more (%w)", err)
	}
	return fmt.Errorf("the output cannot be written: %w", err)
}
