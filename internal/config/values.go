package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/atomize-hq/worldsetup/provision"
)

// text is a value of a key's kind, as text.
func text(key Key, value ast.Node) (string, *provision.Error) {
	if _, is := value.(*ast.NullNode); is {
		return "", usage("give it a value, or remove the line", "it has no value")
	}
	switch value := value.(type) {
	case *ast.StringNode:
		if key.Kind == Number || key.Kind == Switch {
			break
		}
		if value.Value == "" {
			return "", usage("give it a value, or remove the line", "it has an empty value")
		}
		return value.Value, nil
	case *ast.IntegerNode:
		if key.Kind == Number || key.Kind == Size {
			return value.Token.Value, nil
		}
	case *ast.BoolNode:
		if key.Kind == Switch {
			return fmt.Sprint(value.Value), nil
		}
	}
	return "", usage(wanted(key, value), "its value is %s", kindOf(value))
}

// wanted says what a value of a key's kind looks like. Text that YAML takes for something else is to be quoted.
func wanted(key Key, value ast.Node) string {
	switch key.Kind {
	case Number:
		return "give a whole number, without quotes"
	case Size:
		return "give a size such as 4GiB or 512MiB"
	case Switch:
		return "use true or false, without quotes"
	}
	if slices.Contains([]ast.NodeType{ast.IntegerType, ast.FloatType, ast.BoolType, ast.InfinityType, ast.NanType}, value.Type()) {
		return fmt.Sprintf("put quotes around it: %s: %q", key.Name, value.GetToken().Value)
	}
	return "give it as one text"
}

func kindOf(node ast.Node) string {
	switch node.Type() {
	case ast.StringType:
		return "a text"
	case ast.LiteralType:
		return "a block of text"
	case ast.IntegerType, ast.FloatType, ast.InfinityType, ast.NanType:
		return "a number: " + node.GetToken().Value
	case ast.BoolType:
		return "true or false"
	case ast.NullType:
		return "nothing"
	case ast.SequenceType:
		return "a list"
	case ast.MappingType, ast.MappingValueType:
		return "a group of keys"
	}
	return "something for which worldsetup has no use (" + strings.ToLower(node.Type().String()) + ")"
}
