package tui

import (
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The wizard shows and asks; it acts through the engine only. What it does not import it cannot do.
func TestTheWizardDoesNotAct(t *testing.T) {
	const module = "github.com/atomize-hq/worldsetup/"
	allowed := map[string]bool{
		"context": true, "errors": true, "fmt": true, "io": true, "runtime/debug": true, "slices": true, "strings": true, "sync": true, "time": true,
		module + "provision": true, module + "internal/plaintext": true, "github.com/charmbracelet/x/ansi": true,
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !allowed[path] && !strings.HasPrefix(path, "charm.land/") {
				t.Errorf("%s imports %s", entry.Name(), path)
			}
		}
	}
}
