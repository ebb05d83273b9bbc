package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestInCI(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, " ": false, "0": false, "false": false, "False": false, "no": false,
		"1": true, "true": true, "TRUE": true, "yes": true, "woodpecker": true,
	} {
		if got := inCI(func(string) string { return value }); got != want {
			t.Errorf("CI=%q: %v", value, got)
		}
	}
}

// A CI job may have a terminal, that no person uses (Buildkite's docker plugin, docker run -t).
func TestATerminalInCI(t *testing.T) {
	in := func(value string) func(*exec.Cmd) {
		return func(command *exec.Cmd) { command.Env = append(command.Env, "CI="+value) }
	}
	for name, args := range map[string][]string{"wizard": {"demo", "--speed", "1000"},
		"lines": {"demo", "--plain", "--speed", "1000"}} {
		code, text := start(t, 120, 60, in("true"), args...).end()
		if code != 0 || strings.Count(text, "CI is set") != 1 || strings.Contains(text, "[y") {
			t.Errorf("%s: exit code %d\n%s", name, code, text)
		}
	}
	_, text := start(t, 120, 60, in("true"), "demo", "--non-interactive", "--speed", "1000").end()
	if strings.Contains(text, "CI is set") {
		t.Errorf("told what was asked for:\n%s", text)
	}
	asks := start(t, 80, 24, in("true"), "demo", "--non-interactive=false")
	asks.see("SIMULATION", "enter start")
	asks.press("\x03")
	if code, _ := asks.end(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	asks = start(t, 80, 24, in("0"), "demo")
	asks.see("SIMULATION", "enter start")
}
