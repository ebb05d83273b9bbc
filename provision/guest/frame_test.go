package guest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
	"github.com/atomize-hq/worldsetup/internal/process"
)

// TestAFloodFromTheGuest is bounded: lines without an end, noise, and lines of the script itself.
func TestAFloodFromTheGuest(t *testing.T) {
	u := unframe{mark: "mark"}
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for range 40 { // noise, without an end
		_, _ = u.Write(chunk)
	}
	_, _ = u.Write([]byte("\nmark a name\r\n"))
	if have := string(u.text.Bytes()); have != "a name\r\n" || u.noise.Len() > maxNoise {
		t.Errorf("%q, and %d bytes of noise", have, u.noise.Len())
	}
	for range 40 {
		_, _ = u.Write([]byte("mark "))
		_, _ = u.Write(chunk[:process.MaxOutput/32])
		_, _ = u.Write([]byte("\n"))
	}
	_, _ = u.Write([]byte("mark exit 0\n"))
	done, err := u.done("observe", "")
	if !done || err == nil || !strings.Contains(err.Error(), "cut off") || len(u.text.Bytes()) > process.MaxOutput {
		t.Errorf("%v, %v, and %d bytes", done, err, len(u.text.Bytes()))
	}
}

// TestEveryShellReadsTheCommandAlike: in single quotes csh ends at a newline, and replaces "!"; fish reads a backslash
// before a quote or another backslash.
func TestEveryShellReadsTheCommandAlike(t *testing.T) {
	request := Request{Script: embed.Observe, Args: []string{"it's", `\\`, `\'`, "!!", "a\nb", "ü"}}
	for _, word := range frame(request, "ada", newMark()) {
		for i, b := range []byte(word) {
			before := i > 0 && word[i-1] == '\\'
			if b < ' ' || b >= 0x7f || b == '!' || b == '\'' || b == '\\' && before {
				t.Fatalf("%q in %q", b, word[max(0, i-20):i+1])
			}
		}
	}
}
