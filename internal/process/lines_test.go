package process

import (
	"bytes"
	"slices"
	"strconv"
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

func TestLastLine(t *testing.T) {
	for text, want := range map[string]string{"": "", " \n": "", "one": "one", "one\ntwo\r\n \n": "two"} {
		output := &Lines{}
		_, _ = output.Write([]byte(text))
		if line := output.LastLine(); line != want {
			t.Errorf("%q: %q", text, line)
		}
	}
}
