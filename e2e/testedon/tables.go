package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"unicode"

	"github.com/atomize-hq/worldsetup/internal/scenario"
)

// tableSource is where package scenario lists its tables, from the root of the source.
const tableSource = "internal/scenario/table.go"

// allTables are the tables of scenarios, called as their variables are: unitFileScenarios are "unit file".
func allTables(source string) (tables []table, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
	if err != nil {
		return nil, err
	}
	var titles []string
	for _, declared := range file.Decls {
		function, ok := declared.(*ast.FuncDecl)
		if !ok || function.Name.Name != "Tables" {
			continue
		}
		ast.Inspect(function.Body, func(node ast.Node) bool {
			if list, ok := node.(*ast.CompositeLit); ok {
				for _, element := range list.Elts {
					if name, ok := element.(*ast.Ident); ok {
						titles = append(titles, title(name.Name))
					}
				}
			}
			return true
		})
	}
	scenarios := scenario.Tables()
	if len(titles) != len(scenarios) {
		return nil, fmt.Errorf("%s lists %d tables, and there are %d", source, len(titles), len(scenarios))
	}
	for i, list := range scenarios {
		tables = append(tables, table{title: titles[i], scenarios: list})
	}
	return tables, nil
}

// title is a variable's name in words.
func title(variable string) string {
	var words strings.Builder
	for i, letter := range strings.TrimSuffix(variable, "Scenarios") {
		switch {
		case i == 0:
			letter = unicode.ToUpper(letter)
		case unicode.IsUpper(letter):
			words.WriteByte(' ')
			letter = unicode.ToLower(letter)
		}
		words.WriteRune(letter)
	}
	return words.String()
}
