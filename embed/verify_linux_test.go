package embed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLongAnswers: the lines of those who ask at the same time are not mixed, and an answer without an end is not kept.
func TestLongAnswers(t *testing.T) {
	for text, want := range map[string]string{
		`printf '{"version": "%0100000d",\n"backend": "\\"}' 7`: `{"version": "` + strings.Repeat("0", 99999) +
			`7","backend": "\"}`,
		`printf 'short'`:                        "short",
		`head -c 1048577 /dev/zero | tr '\0' x`: "",
	} {
		dir := t.TempDir()
		const as = `while [ "$1" != -- ]; do shift; done` + "\nshift\nexec \"$@\""
		for name, script := range map[string]string{
			"curl": text + "\nprintf '\\n200 0.1'", "sudo": as, "setpriv": as,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("/bin/sh", "-c", Verify.Text, "verify", "self", "root", "outsider")
		cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "LC_ALL=C"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		answers, code := map[string]string{}, "0"
		if want == "" {
			code = "63"
		}
		for line := range strings.Lines(string(out)) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			if len(line) > 4096 {
				t.Errorf("a line of %d bytes", len(line))
			}
			answers[key] += value
		}
		for _, who := range []string{"self", "root", "outsider"} {
			if have := answers[who+"-answer"]; answers[who] != code+" 200 0.1" || have != want {
				t.Errorf("%s: %s as %s, %q and %d bytes, want %d", text, answers[who], who, have[:min(len(have), 20)], len(have),
					len(want))
			}
		}
		if len(answers) != 8 {
			t.Errorf("%s: %d keys", text, len(answers))
		}
	}
}
