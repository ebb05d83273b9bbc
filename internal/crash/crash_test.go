package crash

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	problems := make(chan any)
	OnPanic(func(problem any) { problems <- problem; select {} })
	defer OnPanic(nil)
	go Guard(func() { panic("boom") })()
	if problem := <-problems; problem != "boom" {
		t.Errorf("got %v", problem)
	}
	Guard(func() {})()
}

// TestWithoutAHandler: the panic takes its course.
func TestWithoutAHandler(t *testing.T) {
	defer func() {
		if problem := recover(); problem != "boom" {
			t.Errorf("got %v", problem)
		}
	}()
	Guard(func() { panic("boom") })()
}

// TestEveryGoroutineIsGuarded: one panic in another one would exit with the code of a usage error.
func TestEveryGoroutineIsGuarded(t *testing.T) {
	for _, dir := range []string{"checks", "cmd", "internal/demo", "internal/process", "provision", "tui"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				unguarded(t, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// unguarded reports the functions in a file that start a goroutine without Guard.
func unguarded(t *testing.T, path string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		var starts ast.Expr
		switch node := node.(type) {
		case *ast.GoStmt:
			starts = node.Call.Fun
		case *ast.CallExpr:
			called, ok := node.Fun.(*ast.SelectorExpr)
			if ok && (called.Sel.Name == "Go" && len(node.Args) == 1 || called.Sel.Name == "AfterFunc") {
				starts = node.Args[len(node.Args)-1]
			}
		}
		if starts != nil && !guarded(starts) {
			t.Errorf("%s: start it with crash.Guard, or let `defer crash.Catch()` be its last one", files.Position(node.Pos()))
		}
		return true
	})
}

// guarded reports whether a panic in a function is caught before anybody learns that it has ended.
func guarded(function ast.Expr) bool {
	call, guard := function.(*ast.CallExpr)
	if guard {
		if guard = isCrash(call.Fun, "Guard"); !guard {
			return false
		}
		function = call.Args[0]
	}
	literal, ok := function.(*ast.FuncLit)
	if !ok {
		return guard
	}
	caught := guard
	for _, statement := range literal.Body.List {
		if deferred, ok := statement.(*ast.DeferStmt); ok {
			caught = isCrash(deferred.Call.Fun, "Catch")
		}
	}
	return caught
}

func isCrash(function ast.Expr, name string) bool {
	selected, ok := function.(*ast.SelectorExpr)
	return ok && selected.Sel.Name == name
}
