package main

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// realMachine are the directories of programs that prepare the machine on which tests run, or a release. Only they
// may ask for the real one.
var realMachine = []string{"e2e", "internal/devhost", "internal/notices"}

// goFiles calls visit for each Go file of the source, by its path from the root.
func goFiles(t *testing.T, visit func(path string)) {
	t.Helper()
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".go") {
			visit(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestPlatformIsAsked: what differs on a Mac can be executed on Linux, since package runtime decides nothing.
func TestPlatformIsAsked(t *testing.T) {
	asked := 0
	goFiles(t, func(path string) {
		if slices.ContainsFunc(realMachine, func(dir string) bool { return strings.HasPrefix(path, dir+"/") }) {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", path), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok || selector.Sel.Name != "GOOS" && selector.Sel.Name != "GOARCH" {
				return true
			}
			if asked++; !strings.HasPrefix(path, "internal/platform/") {
				t.Errorf("%s asks for runtime.%s: use internal/platform", path, selector.Sel.Name)
			}
			return true
		})
	})
	if asked != 2 {
		t.Errorf("runtime is asked %d times, and internal/platform does so twice", asked)
	}
}

// TestSystemCalls: the list has every file that only a Mac executes.
func TestSystemCalls(t *testing.T) {
	var listed, found []string
	for _, call := range systemCalls {
		listed = append(listed, call.file)
		if call.reason == "" {
			t.Errorf("%s has no reason", call.file)
		}
	}
	goFiles(t, func(path string) {
		if !strings.HasSuffix(path, "_test.go") && builtFor(t, "darwin", path) && !builtFor(t, "linux", path) {
			found = append(found, path)
		}
	})
	if !slices.Equal(found, listed) {
		t.Errorf("only a Mac executes %q, and %q are listed", found, listed)
	}
}

func builtFor(t *testing.T, system, path string) bool {
	t.Helper()
	target := build.Default
	target.GOOS, target.GOARCH, target.BuildTags = system, "arm64", nil
	built, err := target.MatchFile(filepath.Join("../..", filepath.Dir(path)), filepath.Base(path))
	if err != nil {
		t.Fatal(err)
	}
	return built
}
