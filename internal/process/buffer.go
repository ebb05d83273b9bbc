package process

import (
	"bytes"
	"fmt"
)

// MaxOutput is how much of a program's output is kept, in bytes: a thousand times what is normal.
const MaxOutput = 16 << 20

// Buffer keeps what is written to it, as far as it fits into MaxOutput.
type Buffer struct {
	kept bytes.Buffer // not embedded: its ReadFrom knows no limit
	cut  bool
}

func (b *Buffer) Write(p []byte) (int, error) {
	room := MaxOutput - b.kept.Len()
	b.cut = b.cut || len(p) > room
	b.kept.Write(p[:min(len(p), room)])
	return len(p), nil
}

// Bytes returns what was kept.
func (b *Buffer) Bytes() []byte { return b.kept.Bytes() }

// Err returns an error if more was written than was kept by the program called name.
func (b *Buffer) Err(name string) error {
	if !b.cut {
		return nil
	}
	return fmt.Errorf("%s printed more than %d MiB; the rest was cut off", name, MaxOutput>>20)
}
