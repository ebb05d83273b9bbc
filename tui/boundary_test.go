package tui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/atomize-hq/worldsetup/"

// The wizard shows and asks; it acts through the engine only. What it does not import it cannot do.
func TestTheWizardDoesNotAct(t *testing.T) {
	allowed := map[string]bool{
		"cmp": true, "context": true, "errors": true, "fmt": true, "io": true, "slices": true,
		"strings": true, "sync": true, "time": true,
		module + "provision": true, module + "internal/plaintext": true, module + "internal/crash": true,
		"github.com/charmbracelet/x/ansi": true,
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

// TestOnlyTheCommandRunsTheWizard holds the other direction: nothing but cmd imports this package, and cmd takes
// nothing from it but what runs the wizard. What a plan, a restore or a choice means belongs to package provision.
func TestOnlyTheCommandRunsTheWizard(t *testing.T) {
	allowed := map[string]bool{"Run": true, "Options": true, "Request": true, "Engine": true, "Outcome": true}
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" ||
			filepath.Dir(path) == filepath.Join("..", "tui") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		imports := slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool {
			return spec.Path.Value == strconv.Quote(module+"tui")
		})
		if !imports {
			return nil
		}
		if filepath.Dir(path) != filepath.Join("..", "cmd", "worldsetup") {
			t.Errorf("%s imports the wizard", path)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if selector, ok := node.(*ast.SelectorExpr); ok {
				if from, ok := selector.X.(*ast.Ident); ok && from.Name == "tui" && !allowed[selector.Sel.Name] {
					t.Errorf("%s uses tui.%s, which does not run the wizard", path, selector.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
