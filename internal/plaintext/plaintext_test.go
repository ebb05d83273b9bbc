package plaintext

import "testing"

func TestLine(t *testing.T) {
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
			if got := Line(test.line); got != test.want {
				t.Errorf("Line(%q) = %q, want %q", test.line, got, test.want)
			}
		})
	}
}
