package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/cover"
)

// macFiles are the files that are about Macs as a whole.
var macFiles = []string{"checks/installed.go", "checks/mac.go", "checks/place.go", "checks/rosetta.go"}

// place is a position in a file, as a coverage profile has it.
type place struct{ line, column int }

func (p place) before(other place) bool {
	return p.line < other.line || p.line == other.line && p.column < other.column
}

// span is a part of a file.
type span struct{ from, to place }

// macCode finds the code that only a Mac executes: whole files, and what follows from a comparison with "darwin".
func macCode(source fs.FS) (map[string][]span, error) {
	code := map[string][]span{}
	for _, top := range []string{"checks", "cmd", "internal/process", "provision", "tui"} {
		err := fs.WalkDir(source, top, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(source, path)
			if err != nil {
				return err
			}
			spans, err := macSpans(path, text)
			if len(spans) > 0 {
				code[path] = spans
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return code, nil
}

// macSpans are the parts of a file that only a Mac executes.
func macSpans(path string, text []byte) (spans []span, err error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	at := func(pos token.Pos) place {
		position := files.Position(pos)
		return place{position.Line, position.Column}
	}
	add := func(from, to token.Pos) { spans = append(spans, span{at(from), at(to)}) }
	if slices.Contains(macFiles, path) {
		add(file.FileStart, file.FileEnd)
		return spans, nil
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.BlockStmt: // if it is no Mac { … return }: the rest is a Mac's
			for _, statement := range node.List {
				if test, ok := statement.(*ast.IfStmt); ok && compares(test.Cond, token.NEQ) && returns(test.Body) {
					add(test.End(), node.End())
				}
			}
		case *ast.IfStmt:
			if compares(node.Cond, token.EQL) {
				add(node.Body.Pos(), node.Body.End())
			} else if node.Else != nil && compares(node.Cond, token.NEQ) {
				add(node.Else.Pos(), node.Else.End())
			}
		case *ast.CaseClause:
			if slices.ContainsFunc(node.List, func(value ast.Expr) bool {
				return isDarwin(value) || compares(value, token.EQL)
			}) {
				add(node.Colon, node.End())
			}
		}
		return true
	})
	return spans, nil
}

// compares reports whether a condition compares something with "darwin".
func compares(condition ast.Expr, operator token.Token) (found bool) {
	ast.Inspect(condition, func(node ast.Node) bool {
		if comparison, ok := node.(*ast.BinaryExpr); ok && comparison.Op == operator {
			found = found || isDarwin(comparison.X) || isDarwin(comparison.Y)
		}
		return true
	})
	return found
}

func isDarwin(value ast.Expr) bool {
	literal, ok := value.(*ast.BasicLit)
	return ok && literal.Value == `"darwin"`
}

func returns(block *ast.BlockStmt) bool {
	if len(block.List) == 0 {
		return false
	}
	_, ok := block.List[len(block.List)-1].(*ast.ReturnStmt)
	return ok
}

// module is the path of this module, with which the names of files in a profile begin.
const module = "github.com/atomize-hq/worldsetup/"

// executed is how many statements for Macs a file has, and which of them were executed by what.
type executed struct {
	file         string
	statements   int
	byMac, byAny int
	never        []string // lines
}

// coverage compares coverage profiles with the code for Macs. The profiles of the program that took itself to be on a
// Mac have names that end in ".mac.cover"; the others are unit tests'.
func coverage(code map[string][]span, paths []string) (files []executed, err error) {
	type block struct {
		span
		statements int
	}
	blocks := map[string]map[block][2]bool{} // by file; whether it was executed on a Mac, and at all
	for _, path := range paths {
		profiles, err := cover.ParseProfiles(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, profile := range profiles {
			file := strings.TrimPrefix(profile.FileName, module)
			if code[file] == nil {
				continue
			}
			if blocks[file] == nil {
				blocks[file] = map[block][2]bool{}
			}
			for _, found := range profile.Blocks {
				b := block{span{place{found.StartLine, found.StartCol}, place{found.EndLine, found.EndCol}}, found.NumStmt}
				was := blocks[file][b]
				ran := found.Count > 0
				blocks[file][b] = [2]bool{was[0] || ran && strings.HasSuffix(path, ".mac.cover"), was[1] || ran}
			}
		}
	}
	for file, spans := range code {
		e := executed{file: file}
		var never []block
		for b, ran := range blocks[file] {
			if !slices.ContainsFunc(spans, func(s span) bool { return !b.from.before(s.from) && !s.to.before(b.to) }) {
				continue
			}
			e.statements += b.statements
			if ran[0] {
				e.byMac += b.statements
			}
			if ran[1] {
				e.byAny += b.statements
			} else if b.statements > 0 {
				never = append(never, b)
			}
		}
		slices.SortFunc(never, func(a, b block) int {
			if a.from.before(b.from) {
				return -1
			}
			return 1
		})
		for _, b := range never {
			lines := fmt.Sprint(b.from.line)
			if b.to.line != b.from.line {
				lines += fmt.Sprintf("–%d", b.to.line)
			}
			e.never = append(e.never, lines)
		}
		if e.statements > 0 {
			files = append(files, e)
		}
	}
	slices.SortFunc(files, func(a, b executed) int { return strings.Compare(a.file, b.file) })
	return files, nil
}

// writeMacCode writes what tests execute of the code for Macs.
func writeMacCode(line func(string, ...any), files []executed) {
	line("## What tests execute of the code for Macs")
	line("")
	if len(files) == 0 {
		line("Not measured this time.")
		line("")
		return
	}
	line("TestMac plays the whole program, built to take its machine for a Mac, on the test bed: programs that " +
		"answer as Macs")
	line("were recorded, Lima with a stand-in for the driver vz, and a real guest. Statements:")
	line("")
	row(line, []string{"file", "for Macs", "by TestMac", "by any test", "lines that none executes"})
	row(line, rule(5))
	var sum executed
	for _, e := range files {
		row(line, []string{"[" + e.file + "](../" + e.file + ")", fmt.Sprint(e.statements), fmt.Sprint(e.byMac),
			fmt.Sprint(e.byAny), strings.Join(e.never, ", ")})
		sum.statements, sum.byMac, sum.byAny = sum.statements+e.statements, sum.byMac+e.byMac, sum.byAny+e.byAny
	}
	row(line, []string{"together", fmt.Sprint(sum.statements), fmt.Sprint(sum.byMac), fmt.Sprint(sum.byAny), ""})
	line("")
}

// measured is the coverage of the code for Macs by profiles; nothing without profiles.
func measured(profiles []string) ([]executed, error) {
	if len(profiles) == 0 {
		return nil, nil
	}
	code, err := macCode(os.DirFS("."))
	if err != nil {
		return nil, err
	}
	return coverage(code, profiles)
}
