package embed

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestPatiently: what has ended is not waited for, what ends is, and what never ends is left behind.
func TestPatiently(t *testing.T) {
	for script, c := range map[string]struct {
		want string
		most time.Duration
	}{
		"sleep 0.2 && echo late & sleep 0.01 & wait $!; patiently $!; echo first": {"first\nlate\n", time.Second},
		"{ sleep 0.2; echo asked; } & patiently $!; echo end":                     {"asked\nend\n", time.Second},
		"sleep 100 >/dev/null & patiently $!; echo end; kill $!":                  {"end\n", 3 * time.Second},
		"patiently; echo end": {"end\n", time.Second},
	} {
		text := strings.Replace(patiently, "0.8 1.6 3.2", "", 1)
		begun := time.Now()
		out, err := exec.Command("/bin/sh", "-uc", text+script).CombinedOutput()
		if took := time.Since(begun); string(out) != c.want || err != nil || took > c.most {
			t.Errorf("%s: %q, %v, after %v", script, out, err, took)
		}
	}
}
