package provision_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atomize-hq/worldsetup/provision/layout"
)

// TestNoTerminal holds the boundary that makes this package importable by any program: nothing of a terminal, of a
// command line, or of what only tests need comes with it, not even indirectly.
func TestNoTerminal(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./...").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for dependency := range strings.FieldsSeq(string(out)) {
		for _, forbidden := range []string{"charm.land/", "github.com/charmbracelet/",
			"github.com/spf13/", "golang.org/x/term",
			"github.com/atomize-hq/worldsetup/cmd", "github.com/atomize-hq/worldsetup/tui",
			"github.com/atomize-hq/worldsetup/internal/fake",
			"github.com/lima-vm/lima/v2/pkg/store", "github.com/lima-vm/lima/v2/pkg/limayaml"} {
			if strings.HasPrefix(dependency, forbidden) {
				t.Errorf("provision depends on %s", dependency)
			}
		}
	}
}

// TestNoWordOfAGeneration holds the boundary that makes a generation one row of data: outside of its package no program
// names one, or what one calls anything. Comments may, for an example.
func TestNoWordOfAGeneration(t *testing.T) {
	var words []string
	for _, of := range layout.All {
		words = append(words, of.Name, of.Marker, of.Unit, of.Title, of.Package, of.Backend)
		words = append(words, of.Runtime...)
		if !of.Mounts() {
			words = append(words, of.Staging)
		}
	}
	check := func(at, text string) {
		for _, word := range words {
			if strings.Contains(text, word) {
				t.Errorf("%s has %q: take it from provision/layout", at, word)
			}
		}
	}
	files := 0
	for _, root := range []string{"../provision", "../tui", "../cmd", "../checks", "../embed", "../internal/fake"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				if entry.Name() == "testdata" || path == "../provision/layout" {
					return filepath.SkipDir
				}
				return err
			}
			switch {
			case strings.HasSuffix(path, "_test.go"):
				return nil
			case filepath.Ext(path) == ".go":
				files++
				return literals(path, check)
			case root == "../embed":
				files++
				text, err := os.ReadFile(path)
				check(path, string(text))
				return err
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files < 100 {
		t.Errorf("it has read %d files only", files)
	}
}

// literals passes on the strings of a Go file, and the names that it takes from the package layout, as their values.
func literals(path string, check func(at, text string)) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		return err
	}
	rows := map[string]string{"AgentV1": layout.AgentV1.Name, "ServiceV1": layout.ServiceV1.Name,
		"StagedV2": layout.StagedV2.Name}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.BasicLit:
			check(set.Position(node.Pos()).String(), node.Value)
		case *ast.SelectorExpr:
			check(set.Position(node.Pos()).String(), rows[node.Sel.Name])
		}
		return true
	})
	return nil
}
