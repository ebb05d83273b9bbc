package fields

import (
	"strings"
	"testing"
	"text/template"
)

var data = map[string]any{"Dir": "/home/sam/.lima/substrate", "Param": map[string]string{"tools": "jq"}, "Number": 7}

// What is filled in is what text/template makes of it.
func TestExpand(t *testing.T) {
	for _, text := range []string{
		"", "plain", "{ }", "{{.Dir}}/sock/substrate.sock", "{{ .Dir }}", "a {{- .Dir -}} b", "{{.Param.tools}}{{.Number}}",
		"{{/* nothing */}}x", "\n{{.Dir}}\n",
	} {
		var want strings.Builder
		if err := template.Must(template.New("").Parse(text)).Execute(&want, data); err != nil {
			t.Fatal(err)
		}
		if got, ok := Expand(text, data); !ok || got != want.String() {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want.String())
		}
	}
}

func TestNotExpanded(t *testing.T) {
	for _, text := range []string{
		"{{", "{{.}}", "{{.Other}}", "{{.Dir.More}}", "{{.Param}}", "{{.Param.other}}", "{{printf .Dir}}", "{{.Dir | html}}",
		"{{if .Dir}}x{{end}}", "{{range .Dir}}{{end}}", "{{$x := .Dir}}", `{{"text"}}`, "{{.Dir}}{{template \"x\"}}",
		`{{define "text"}}{{end}}{{.Dir}}{{.Other}}`,
	} {
		if got, ok := Expand(text, data); ok {
			t.Errorf("%q: %q", text, got)
		}
	}
}
