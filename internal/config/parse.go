package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"

	"github.com/atomize-hq/worldsetup/provision"
)

const asInExample = "write one `key: value` per line, as in `cpus: 4`"

// parse reads text strictly. The parser counts lines wrongly when they end with CR LF.
func parse(path string, text []byte, keys []Key) (*File, error) {
	f := &File{Path: path, keys: keys, text: text}
	tree, err := parser.ParseBytes(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), 0,
		parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, f.notYAML(err)
	}
	var body ast.Node
	for _, document := range tree.Docs {
		switch {
		case document.Body == nil, document.Body.Type() == ast.CommentType, document.Body.Type() == ast.DirectiveType:
		case body != nil:
			return nil, f.wrong(line(document.Body), asInExample, "more than one document")
		default:
			body = document.Body
		}
	}
	switch body := body.(type) {
	case nil:
	case *ast.MappingNode:
		err = f.add(body.Values...)
	case *ast.MappingValueNode: // a mapping with one key
		err = f.add(body)
	default:
		err = f.wrong(line(body), asInExample, "expected a mapping of keys to values, found %s", kindOf(body))
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// add checks keys with their values and adds them to the file.
func (f *File) add(pairs ...*ast.MappingValueNode) error {
	for _, pair := range pairs {
		name, ok := pair.Key.(*ast.StringNode)
		if !ok {
			return f.wrong(line(pair.Key), asInExample, "the key %s is not a name", pair.Key)
		}
		i := slices.IndexFunc(f.keys, func(key Key) bool { return key.Name == name.Value })
		if i < 0 {
			return f.unknown(name.Value, line(name))
		}
		key := f.keys[i]
		if key.Never != "" {
			return f.wrong(line(name), "remove the line", "%s: it can't be saved: %s", key.Name, key.Never)
		}
		for _, before := range f.Values {
			if before.Key == key.Name {
				return f.wrong(line(name), "remove one of them", "%s: it is in line %d already", key.Name, before.Line)
			}
		}
		value := Value{Key: key.Name, Line: line(name)}
		problem, next := value.read(key, pair.Value)
		if problem != "" {
			return f.wrong(value.Line, next, "%s: %s", key.Name, problem)
		}
		f.Values = append(f.Values, value)
	}
	return nil
}

// read reads the value of a key from its node. Otherwise it returns what is wrong with it and what to do.
func (v *Value) read(key Key, node ast.Node) (problem, next string) {
	token, ok, found := node.GetToken(), false, kindOf(node)
	if token != nil && token.Position != nil && token.Position.Line == v.Line {
		v.column, v.source = token.Position.Column, strings.TrimSpace(token.Origin)
	}
	next = kinds[key.Kind].advice
	switch node := node.(type) {
	case *ast.StringNode:
		v.Text, ok = node.Value, key.Kind == Text || key.Kind == Size
	case *ast.IntegerNode:
		v.Text, ok = token.Value, key.Kind == Number || key.Kind == Size
	case *ast.BoolNode:
		v.Text, ok = fmt.Sprint(node.Value), key.Kind == Switch
	}
	switch node.Type() {
	case ast.IntegerType, ast.FloatType, ast.BoolType, ast.InfinityType, ast.NanType:
		found += " " + token.Value
		if key.Kind == Text { // YAML reads it as another type without them
			next = fmt.Sprintf("put quotes around it: %s: %q", key.Name, token.Value)
		}
	}
	switch {
	case ok && v.Text != "":
		return "", ""
	case ok, node.Type() == ast.NullType:
		return "it has no value", "give it a value, or remove the line"
	}
	return fmt.Sprintf("expected %s, found %s", key.Kind, found), next
}

// kindOf returns YAML's word for a node.
func kindOf(node ast.Node) string {
	return strings.TrimSuffix(strings.ToLower(node.Type().String()), "value") // of a mapping with one value
}

func line(node ast.Node) int {
	if token := node.GetToken(); token != nil && token.Position != nil {
		return token.Position.Line
	}
	return 1
}

// notYAML makes an error of the parser's.
func (f *File) notYAML(err error) error {
	known, ok := errors.AsType[yaml.Error](err)
	if !ok || known.GetToken() == nil || known.GetToken().Position == nil {
		return &provision.Error{
			Kind: provision.KindUsage, What: f.Path + " is not valid YAML", Why: err.Error(),
			Next: asInExample, Err: err,
		}
	}
	failure := f.wrong(known.GetToken().Position.Line, asInExample, "this is not valid YAML")
	failure.Why, failure.Err = known.GetMessage(), err
	return failure
}

// unknown makes the error of an unknown key. The suggestions are cobra's, by the rules for its commands.
func (f *File) unknown(name string, line int) error {
	var names []string
	similar := &cobra.Command{SuggestionsMinimumDistance: 2}
	for _, key := range f.keys {
		if key.Never == "" {
			names = append(names, key.Name)
			similar.AddCommand(&cobra.Command{Use: key.Name, Run: func(*cobra.Command, []string) {}})
		}
	}
	next := "the keys are: " + strings.Join(names, ", ")
	if near := similar.SuggestionsFor(name); len(near) > 0 {
		next = fmt.Sprintf("did you mean %s? %s", near[0], next)
	}
	return f.wrong(line, next, "unknown key %q", name)
}

// wrong makes an error about a line of the file.
func (f *File) wrong(line int, next, format string, args ...any) *provision.Error {
	return usage(next, "%s:%d: %s", f.Path, line, fmt.Sprintf(format, args...))
}

func usage(next, format string, args ...any) *provision.Error {
	return &provision.Error{Kind: provision.KindUsage, What: fmt.Sprintf(format, args...), Next: next}
}
