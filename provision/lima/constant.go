package lima

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// constant writes value, which encoding/json can encode, as a constant of the language of limactl's edit expressions
// (yq's). That resembles JSON, and its strings are none, see quote.
func constant(value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var plain any
	if err := decoder.Decode(&plain); err != nil {
		return "", err
	}
	var out strings.Builder
	write(&out, plain)
	return out.String(), nil
}

func write(out *strings.Builder, value any) {
	switch value := value.(type) {
	case string:
		out.WriteString(quote(value))
	case []any:
		out.WriteByte('[')
		for i, item := range value {
			if i > 0 {
				out.WriteString(", ")
			}
			write(out, item)
		}
		out.WriteByte(']')
	case map[string]any:
		out.WriteByte('{')
		for i, key := range slices.Sorted(maps.Keys(value)) {
			if i > 0 {
				out.WriteString(", ")
			}
			out.WriteString(quote(key) + ": ")
			write(out, value[key])
		}
		out.WriteByte('}')
	case nil:
		out.WriteString("null")
	default: // a json.Number or a bool
		fmt.Fprint(out, value)
	}
}

// quote writes a string such that yq reads back the same. It knows no \u, halves backslashes twice, in unescaping and
// again in searching for \( which begins an expression, and leaves those before a parenthesis to the second pass.
// Measured with limactl 2.1.4.
func quote(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for i, r := range text {
		switch {
		case r == '"':
			out.WriteString(`\"`)
		case r == '\\' && strings.HasPrefix(text[i+1:], "("):
			out.WriteString(`\\`)
		case r == '\\':
			out.WriteString(`\\\\`)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
