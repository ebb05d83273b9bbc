package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/atomize-hq/worldsetup/provision"
)

const asInExample = "write one `key: value` a line, as in `cpus: 4`"

// parse reads text.
func parse(path string, text []byte, keys []Key) (*File, error) {
	document, err := document(path, text)
	if err != nil {
		return nil, err
	}
	values, err := pairs(path, document)
	if err != nil {
		return nil, err
	}
	file := &File{Path: path, text: text}
	for _, value := range values {
		entry, err := file.entry(value, keys)
		if err != nil {
			return nil, err
		}
		file.Entries = append(file.Entries, entry)
	}
	return file, nil
}

// document is what a text holds; nil when that is nothing.
func document(path string, text []byte) (body ast.Node, err error) {
	tree, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, noYAML(path, err)
	}
	for _, document := range tree.Docs {
		switch {
		case document.Body == nil || document.Body.Type() == ast.CommentType || document.Body.Type() == ast.DirectiveType:
		case body != nil:
			return nil, at(path, document.Body, asInExample, "there is more than one document")
		default:
			body = document.Body
		}
	}
	return body, nil
}

// noYAML puts what the parser says into a line of ours.
func noYAML(path string, err error) error {
	failure := usage(asInExample, "%s is no YAML", path)
	failure.Why, failure.Err = err.Error(), err
	if known := yaml.Error(nil); errors.As(err, &known) {
		failure.Why = known.GetMessage()
		if token := known.GetToken(); token != nil && token.Position != nil {
			failure.What = fmt.Sprintf("%s:%d: this is no YAML", path, token.Position.Line)
		}
	}
	return failure
}

// pairs are the keys with their values.
func pairs(path string, body ast.Node) ([]*ast.MappingValueNode, error) {
	switch body := body.(type) {
	case nil:
		return nil, nil
	case *ast.MappingNode:
		return body.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{body}, nil
	default:
		return nil, at(path, body, asInExample, "this is no list of keys with values, but %s", kindOf(body))
	}
}

// entry judges a key with its value.
func (f *File) entry(pair *ast.MappingValueNode, keys []Key) (entry Entry, err error) {
	name, isString := pair.Key.(*ast.StringNode)
	if !isString {
		return entry, at(f.Path, pair.Key, asInExample, "the key %s is no name", pair.Key)
	}
	entry.Key, entry.Line = name.Value, line(name)
	i := slices.IndexFunc(keys, func(key Key) bool { return key.Name == entry.Key })
	if i < 0 {
		return entry, unknown(f.Path, entry, keys)
	}
	key := keys[i]
	if key.Never != "" {
		return entry, f.Wrong(entry, usage("remove the line", "it is never kept: %s", key.Never))
	}
	for _, before := range f.Entries {
		if before.Key == entry.Key {
			return entry, f.Wrong(entry, usage("remove one of them", "it stands in line %d already", before.Line))
		}
	}
	var problem *provision.Error
	if entry.Value, problem = text(key, pair.Value); problem != nil {
		return entry, f.Wrong(entry, problem)
	}
	return entry, nil
}

func line(node ast.Node) int {
	if token := node.GetToken(); token != nil && token.Position != nil {
		return token.Position.Line
	}
	return 1
}

// at is an error about a place in the file.
func at(path string, node ast.Node, next, format string, args ...any) error {
	return usage(next, "%s:%d: %s", path, line(node), fmt.Sprintf(format, args...))
}

// Wrong is problem with the place of the entry before it.
func (f *File) Wrong(entry Entry, problem *provision.Error) *provision.Error {
	wrong := *problem
	wrong.What = fmt.Sprintf("%s:%d: %s: %s", f.Path, entry.Line, entry.Key, problem.What)
	return &wrong
}
