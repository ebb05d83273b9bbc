package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestColors: a terminal gets colours, unless there are none, or they are not wanted.
func TestColors(t *testing.T) {
	for name, test := range map[string]struct {
		environment string
		args        []string
		want        bool
	}{
		"terminal": {"", nil, true}, "NO_COLOR": {"NO_COLOR=no", nil, false}, "empty": {"NO_COLOR=", nil, true},
		"dumb": {"TERM=dumb", nil, false}, "never": {"", []string{"--color=never"}, false},
		"always": {"NO_COLOR=1", []string{"--color=always"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, 80, 24, func(command *exec.Cmd) {
				command.Env = append(command.Env, "PATH=/nonexistent", test.environment)
			}, append([]string{"check", "limactl", "ssh-client"}, test.args...)...)
			code, text := c.end()
			if got := strings.Contains(c.raw.String(), "\x1b[31m"); code != 3 || got != test.want {
				t.Errorf("exit code %d, in colour: %v\n%q", code, got, c.raw.String())
			}
			if !strings.Contains(text, "✗ Lima: Lima is not installed") || strings.Contains(text, "error:") {
				t.Errorf("%s", text)
			}
		})
	}
}

// TestASCIIMarks: a terminal without UTF-8 gets marks that it can show.
func TestASCIIMarks(t *testing.T) {
	c := start(t, 80, 24, func(command *exec.Cmd) {
		command.Env = append(command.Env, "PATH=/nonexistent", "LANG=C")
	}, "check", "limactl", "ssh-client")
	c.end()
	if raw := c.raw.String(); strings.ContainsFunc(raw, func(r rune) bool { return r > '~' }) ||
		!strings.Contains(raw, "Lima is not installed") {
		t.Errorf("%q", raw)
	}
}
