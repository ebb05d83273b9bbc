package guest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/embed"
)

// links are scripts that write to a file what they got.
func links(file string) []Request {
	write := embed.Script{Name: "write", Text: `echo noise; { printf '%s ' "$@"; cat; } >>"$0.of.$1"`}
	write.Name = file
	return []Request{
		{Route: Fresh, Script: write, Args: []string{"first", "it's", `"$HOME"`, "two\nlines", ""}},
		{Route: Fresh, Script: write, Args: []string{"second"}, Stdin: strings.NewReader("input")},
		{Route: Fresh, Script: write, Args: []string{"third"}},
	}
}

// TestChain: each script gets its own arguments and no one else's input.
func TestChain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	ended := 0
	if err := newSSH(t, "well").Chain(t.Context(), links(file), func() { ended++ }); err != nil || ended != 3 {
		t.Errorf("%d scripts ended, %v", ended, err)
	}
	for name, want := range map[string]string{"first": "first it's \"$HOME\" two\nlines  ",
		"second": "second input", "third": "third "} {
		if text, err := os.ReadFile(file + ".of." + name); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v, want %q", name, text, err, want)
		}
	}
}

// TestChainBreaks: the error is that of the script that failed, and what comes after it is not begun.
func TestChainBreaks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	requests := links(file)
	requests[1].Script = embed.Script{Name: "bad", Text: "echo why >&2; exit 3"}
	ended := 0
	err := newSSH(t, "well").Chain(t.Context(), requests, func() { ended++ })
	script, ok := errors.AsType[*ScriptError](err)
	if !ok || script.Script != "bad" || script.ExitCode != 3 ||
		script.Stderr != "why\n" || ended != 1 {
		t.Errorf("%d scripts ended, %v", ended, err)
	}
	if _, err := os.Lstat(file + ".of.third"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the third script was begun: %v", err)
	}
}

// TestChainWithoutOutput: that all went well is not taken from an exit code.
func TestChainWithoutOutput(t *testing.T) {
	err := newSSH(t, "silent").Chain(t.Context(), links(filepath.Join(t.TempDir(), "out")),
		func() { t.Error("one ended") })
	if _, ok := errors.AsType[*SessionError](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestChainThatCannotBegin(t *testing.T) {
	err := newSSH(t, "unreachable").Chain(t.Context(), links(filepath.Join(t.TempDir(), "out")),
		func() { t.Error("one ended") })
	if connection, ok := errors.AsType[*ConnectionError](err); !ok || connection.Detail != "Connection refused" {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	err = newSSH(t, "well").Chain(ctx, links(filepath.Join(t.TempDir(), "out")), func() { t.Error("one ended") })
	if _, ok := errors.AsType[*ConnectionError](err); !ok || !strings.Contains(err.Error(), "enough") {
		t.Errorf("got %v", err)
	}
}

// TestChainWithoutACaller: when no one reads any more what ended, the next script is not begun.
func TestChainWithoutACaller(t *testing.T) {
	dir := t.TempDir()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	defer writer.Close()
	cmd := exec.Command("sh", "-c", embed.Chain.Text, "chain", "mkdir first", "mkdir second")
	cmd.Dir, cmd.Stdout, cmd.Env = dir, writer, append(os.Environ(), "MARK=x")
	if cmd.Run() == nil {
		t.Error("all was well")
	}
	made, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(made) != 1 || filepath.Base(made[0]) != "first" {
		t.Errorf("made %v, %v", made, err)
	}
}
