package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
	"github.com/atomize-hq/worldsetup/provision"
)

// jsonFace writes one JSON object a line and nothing else.
type jsonFace struct {
	out  io.Writer
	seq  int  // of the last event
	last bool // the last line was written
}

func (f *jsonFace) show(event provision.Event) {
	f.seq = event.Seq
	f.last = event.Type == provision.EventFinished
	f.write(event)
}

// result writes the one object that is a command's result.
func (f *jsonFace) result(object any) {
	f.last = true
	f.write(object)
}

// fail writes the last line that a script expects, also when the failure came before any other line, or from a bug.
func (f *jsonFace) fail(failure *provision.Error) {
	if f == nil || f.last {
		return
	}
	f.show(provision.Event{
		Schema: provision.Schema, Seq: f.seq + 1, Time: time.Now(), Type: provision.EventFinished,
		Result: &provision.Result{Error: failure},
	})
}

// write writes a line. The writer keeps errors.
func (f *jsonFace) write(object any) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		panic(err) // the types are ours, and all of them have a JSON form
	}
	_, _ = f.out.Write(ascii(plaintext.RedactJSON(line.Bytes())))
}

// ascii escapes all other characters in JSON's own way: the same value, harmless in any terminal.
func ascii(text []byte) []byte {
	var escaped []byte
	for _, r := range string(text) {
		switch {
		case r == 0x7f, r >= 0x80 && r <= 0xffff:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = utf8.AppendRune(escaped, r)
		}
	}
	return escaped
}
