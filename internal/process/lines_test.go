package process

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestLinesAreSplitWhereverTheWritesEnd(t *testing.T) {
	const text = "one\ntwo\r\n\nthree {\"msg\":\"x\"}\nunfinished"
	want := []string{"one", "two", "", `three {"msg":"x"}`, "unfinished"}
	for size := 1; size <= len(text); size++ {
		var have []string
		split := &Lines{Each: func(line string) { have = append(have, line) }}
		for chunk := range slices.Chunk([]byte(text), size) {
			if n, err := split.Write(chunk); n != len(chunk) || err != nil {
				t.Fatal(n, err)
			}
		}
		split.Flush()
		if !slices.Equal(have, want) || split.Tail() != text {
			t.Errorf("in writes of %d bytes: %q, kept %q", size, have, split.tail)
		}
	}
	silent := &Lines{}
	_, _ = silent.Write([]byte("kept")) // it never fails
	silent.Flush()
	if silent.Tail() != "kept" {
		t.Errorf("kept %q", silent.tail)
	}
}

func TestOnlyTheTailOfALongLogIsKept(t *testing.T) {
	split := &Lines{}
	for i := range 3 * tailSize / 8 {
		_, _ = split.Write([]byte(strconv.Itoa(10000000+i) + "\n")[:8])
	}
	if len(split.tail) != tailSize ||
		!bytes.HasSuffix(split.tail, []byte(strconv.Itoa(10000000 + 3*tailSize/8 - 1)[:8])) {
		t.Errorf("%d bytes are kept, the last are %q", len(split.tail), split.tail[len(split.tail)-8:])
	}
}

// TestWithoutLineBreaks: memory does not grow with what a program prints, and what was cut off is said.
func TestWithoutLineBreaks(t *testing.T) {
	var have []string
	lines := &Lines{Each: func(line string) { have = append(have, line) }}
	var buffer Buffer
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for range 40 {
		_, _ = lines.Write(chunk)
		_, _ = buffer.Write(chunk)
	}
	_, _ = lines.Write([]byte("end\nnext\n"))
	if len(have) != 2 || have[1] != "next" || len(have[0]) > lineSize+100 || !strings.Contains(have[0], "cut off") ||
		cap(lines.partial) > 2*lineSize {
		t.Errorf("%d lines, the first of %d bytes", len(have), len(have[0]))
	}
	if tail := lines.Tail(); len(tail) > tailSize+100 || !strings.HasPrefix(tail, "… (all but the last 64 KiB") {
		t.Errorf("%.80q", tail)
	}
	if len(buffer.Bytes()) != MaxOutput || buffer.Err("limactl") == nil {
		t.Errorf("%d bytes, %v", len(buffer.Bytes()), buffer.Err("limactl"))
	}
	var exact Buffer
	_, _ = exact.Write(bytes.Repeat([]byte("x"), MaxOutput))
	if err := exact.Err("limactl"); err != nil {
		t.Error(err)
	}
}

func TestLastLine(t *testing.T) {
	for text, want := range map[string]string{"": "", " \n": "", "one": "one", "one\ntwo\r\n \n": "two"} {
		output := &Lines{}
		_, _ = output.Write([]byte(text))
		if line := output.LastLine(); line != want {
			t.Errorf("%q: %q", text, line)
		}
	}
}
