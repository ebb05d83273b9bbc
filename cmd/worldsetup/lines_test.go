package main

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/atomize-hq/worldsetup/internal/plaintext"
)

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

// The output of a tool must not pass for a line of ours.
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
		for _, r := range plaintext.Line(line) {
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

// The cells of a table stand below each other, also after characters that are two cells wide, or none.
func TestTablesAreAligned(t *testing.T) {
	var out strings.Builder
	table(newLines(&out, true), [][]string{
		{"/home/ada/src", "ASCII"}, {"/home/ada/日本語", "wide"}, {"/home/ada/🚀", "emoji"},
		{"/home/ada/e\u0301", "combining"},
		{"/home/ada/empty", ""},
	})
	const column = 2 + len("/home/ada/日本語") - 3 + 2 // three of its bytes are two cells
	for line := range strings.Lines(out.String()) {
		at := strings.LastIndexByte(line, ' ') + 1
		if got := ansi.StringWidth(line[:at]); got != column {
			t.Errorf("%q begins at %d, want %d", line[at:], got, column)
		}
	}
	if n := strings.Count(out.String(), "\n"); n != 4 {
		t.Errorf("%d rows:\n%s", n, out.String())
	}
}

// On a terminal, text is wrapped at its width, and a command stands on a line of its own, which nothing breaks.
func TestLinesOnATerminal(t *testing.T) {
	const command = "cargo build --release --locked -p world-agent --target x86_64-unknown-linux-musl"
	show := func(width int) string {
		var out strings.Builder
		to := &lines{to: &out, utf8: true, width: width}
		to.advise("  next: ", "        ", "name the agent: --agent FILE, or WORLDSETUP_AGENT=FILE in the environment;\n"+
			"or build it there: "+command+";\nor use the probe")
		to.drawn("  ✗ the socket: expected listening, found a directory in the place of the socket")
		to.advise("  next: ", "        ", "`worldsetup help` lists them")
		return out.String()
	}
	want := `  next: name the agent: --agent
        FILE, or
        WORLDSETUP_AGENT=FILE in the
        environment;
        or build it there:
        ` + command + `
        or use the probe
  ✗ the socket: expected listening,
      found a directory in the place
      of the socket
  next: ` + "`worldsetup help` lists them\n"
	if got := show(36); got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
	if got := show(0); strings.Count(got, "\n") != 5 {
		t.Errorf("it is wrapped where there is no terminal:\n%s", got)
	}
}
