// Package fields fills in templates that only name values, as {{.Dir}} or {{.Param.tools}}: those of Lima's
// configurations, and ours.
//
// It parses as text/template does, and does not execute: that finds methods by their names, and a program that can do
// so keeps every exported method of each type in it. worldsetup is 3 MB smaller without.
package fields

import (
	"fmt"
	"strings"
	"text/template/parse"
)

// Expand fills in a template with data. It returns false where the text is no template, or does more than to name
// what data has, at any depth of maps of strings.
func Expand(text string, data map[string]any) (string, bool) {
	if !strings.Contains(text, "{{") {
		return text, true
	}
	trees, err := parse.Parse("text", text, "", "")
	if err != nil || trees["text"] == nil {
		return "", false
	}
	var out strings.Builder
	for _, node := range trees["text"].Root.Nodes {
		switch node := node.(type) {
		case *parse.TextNode:
			out.Write(node.Text)
		case *parse.ActionNode:
			value, ok := lookUp(node.Pipe, data)
			if !ok {
				return "", false
			}
			out.WriteString(value)
		default:
			return "", false
		}
	}
	return out.String(), true
}

// lookUp returns the value of an action that is one field.
func lookUp(pipe *parse.PipeNode, data map[string]any) (string, bool) {
	if len(pipe.Decl) > 0 || len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return "", false
	}
	field, ok := pipe.Cmds[0].Args[0].(*parse.FieldNode)
	if !ok {
		return "", false
	}
	var value any = data
	for _, name := range field.Ident {
		switch values := value.(type) {
		case map[string]any:
			value, ok = values[name]
		case map[string]string:
			value, ok = values[name]
		default:
			ok = false
		}
		if !ok {
			return "", false
		}
	}
	switch value.(type) {
	case map[string]any, map[string]string:
		return "", false
	}
	return fmt.Sprint(value), true
}
