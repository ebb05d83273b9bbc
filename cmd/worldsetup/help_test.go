package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Each command has examples, of itself, and all of its help's own lines are complete.
func TestHelpHasExamples(t *testing.T) {
	root := (&app{errors: &lines{}, getenv: os.Getenv}).rootCommand()
	var look func(*cobra.Command)
	look = func(command *cobra.Command) {
		for _, child := range command.Commands() {
			if child.Runnable() && child.Name() != "help" && command.Name() != "completion" {
				look(child)
			}
		}
		if command.Example == "" {
			t.Errorf("%s has no example", command.CommandPath())
		}
		for line := range strings.Lines(command.Example) {
			if !strings.HasPrefix(line, "  "+command.CommandPath()) {
				t.Errorf("%s has an example of something else: %s", command.CommandPath(), line)
			}
		}
	}
	look(root)
	if completion, _, err := root.Find([]string{"completion"}); err != nil || completion.Example == "" {
		t.Errorf("completion has no example: %v", err)
	}
}

// A mistyped scenario gets a suggestion, as commands and flags do.
func TestMistypedScenario(t *testing.T) {
	_, text := start(t, 80, 24, nil, "demo", "--scenario", "upgrad").end()
	if !strings.Contains(text, "did you mean upgrade?") {
		t.Errorf("it is %q", text)
	}
}
