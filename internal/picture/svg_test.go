package picture

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
)

func drawn(t *testing.T, width, height int, texts ...string) string {
	t.Helper()
	var frames []Frame
	for _, text := range texts {
		screen := vt.NewEmulator(width, height)
		if _, err := screen.WriteString(text); err != nil {
			t.Fatal(err)
		}
		frames = append(frames, Frame{screen, 2 * time.Second})
	}
	var out strings.Builder
	if err := Write(&out, `a "title" & more`, frames...); err != nil {
		t.Fatal(err)
	}
	for decoder := xml.NewDecoder(strings.NewReader(out.String())); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return out.String()
		} else if err != nil {
			t.Fatalf("no XML: %v\n%s", err, out.String())
		}
	}
}

func TestStyles(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                          `<text x="0.0" y="13.0" textLength="42.0">plain</text>`,
		"\x1b[1;31mred":                  `fill="#f07178" class="b">red</text>`,
		"\x1b[7mback":                    `textLength="33.6" fill="#16181d">back</text>`,
		"\x1b[38;2;1;2;3mhex":            `fill="#010203">hex</text>`,
		"\x1b[38;5;9mbright":             `fill="#ff8b92">bright</text>`,
		"\x1b[2mfaint":                   `class="d">faint</text>`,
		"a  b":                           `<text x="25.2" y="13.0" textLength="8.4">b</text>`,
		"<&>":                            `>&lt;&amp;&gt;</text>`,
		"\xe4\xb8\x96x":                  `textLength="25.2">世x</text>`,
		"one\r\ntwo":                     `y="31.0" textLength="25.2">two</text>`,
		"\x1b[48;2;10;20;30m \x1b[0m":    `<rect x="0.0" y="0.0" width="8.4" height="18" fill="#0a141e"/>`,
		"\x1b[4munderlined\x1b[0m plain": `class="u">underlined</text>`,
	} {
		if picture := drawn(t, 20, 2, text); !strings.Contains(picture, want) {
			t.Errorf("%q: no %s in\n%s", text, want, picture)
		}
	}
}

func TestFrames(t *testing.T) {
	if single := drawn(t, 5, 1, "one"); strings.Contains(single, "animation") {
		t.Errorf("a single screen moves:\n%s", single)
	}
	film := drawn(t, 5, 1, "one", "two")
	for _, want := range []string{".f1 { animation: k1 4.0s step-end infinite }",
		"50.00%, 100.00% { visibility: visible }", ">one<", ">two<", "prefers-reduced-motion"} {
		if !strings.Contains(film, want) {
			t.Errorf("no %q in\n%s", want, film)
		}
	}
	if film != drawn(t, 5, 1, "one", "two") {
		t.Error("the same screens gave other bytes")
	}
	if film := drawn(t, 5, 1, "one", "two", "end"); strings.Count(film, ` visibility="hidden" transform`) != 2 ||
		!strings.Contains(film, `<g class="f f2" transform`) {
		t.Errorf("without a style sheet it is not the last frame that is seen:\n%s", film)
	}
}
