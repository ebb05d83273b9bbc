package main

import (
	"strings"
	"testing"
)

func TestPlainText(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"nothing to do", "plain text: ok", "plain text: ok"},
		{"colours", "\x1b[1;31merror\x1b[0m: no", "error: no"},
		{"cursor and erase", "a\x1b[2K\x1b[1Gb\x1b[?25lc", "abc"},
		{"title, ended by BEL", "\x1b]0;owned\x07text", "text"},
		{"title, ended by ST", "\x1b]0;owned\x1b\\text", "text"},
		{"title, never ended", "before\x1b]0;owned", "before"},
		{"hyperlink", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"},
		{"device control", "\x1bP1$r0m\x1b\\x", "x"},
		{"clipboard", "\x1b]52;c;ZXZpbA==\x07x", "x"},
		{"short ones", "\x1b7\x1b(Bx\x1bc\x1b8", "x"},
		{"one character for two", "\u009b31mred\u009dtitle\u009ctext", "redtext"},
		{"cut off", "x\x1b[31", "x31"},
		{"ESC alone", "x\x1b", "x"},
		{"ESC ESC", "\x1b\x1b[31mx", "x"},
		{"bell, backspace, NUL, DEL", "a\a\b\x00\x7fb", "ab"},
		{"tab", "a\tb", "a b"},
		{"overwritten", "10%\r50%\r100%", "100%"},
		{"ended by CR", "text\r", "text"},
		{"no UTF-8", "a\xff\xfeb", "a?b"},
		{"raw C1 byte", "a\x9b31mb", "a?31mb"},
		{"reordered", "a\u202eb\u2066c", "abc"},
		{"line separators", "a\u2028b\u2029c", "abc"},
		{"other languages", "Grüße, 世界", "Grüße, 世界"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := plainText(test.line); got != test.want {
				t.Errorf("plainText(%q) = %q, want %q", test.line, got, test.want)
			}
		})
	}
}

func TestLinesSpellOutWhatIsNotASCII(t *testing.T) {
	tests := []struct {
		utf8 bool
		want string
	}{
		{true, "Grüße …\n"},
		{false, "Gr\\u00fc\\u00dfe ...\n"},
	}
	for _, test := range tests {
		var out strings.Builder
		newLines(&out, test.utf8).printf("Grüße …")
		if out.String() != test.want {
			t.Errorf("utf8=%v: %q, want %q", test.utf8, out.String(), test.want)
		}
	}
}

// What a tool says must not pass for a line of ours.
func TestLinesKeepForeignLinesApart(t *testing.T) {
	var out strings.Builder
	l := newLines(&out, false)
	l.printf("[1/2] %s", "start\n[2/2] done")
	l.put("    | ", "    | ", "one\r\nready: all is well\n")
	want := "[1/2] start\n      [2/2] done\n    | one\n    | ready: all is well\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func FuzzPlainText(f *testing.F) {
	f.Add("\x1b[31mx\u009b\x07")
	f.Fuzz(func(t *testing.T, line string) {
		for _, r := range plainText(line) {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				t.Errorf("%q leaves %q", line, r)
			}
		}
	})
}

func TestUTF8(t *testing.T) {
	tests := []struct {
		environment map[string]string
		want        bool
	}{
		{nil, false},
		{map[string]string{"LANG": "de_DE.UTF-8"}, true},
		{map[string]string{"LANG": "C.utf8"}, true},
		{map[string]string{"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, false},
		{map[string]string{"LC_CTYPE": "C.UTF-8", "LANG": "C"}, true},
		{map[string]string{"LC_ALL": "", "LANG": "C.UTF-8"}, true},
	}
	for _, test := range tests {
		s := streams{Getenv: func(name string) string { return test.environment[name] }}
		if s.utf8() != test.want {
			t.Errorf("%v: %v", test.environment, s.utf8())
		}
	}
}
