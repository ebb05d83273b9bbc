package fake

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Constants of the language of Lima's edit expressions (yq's), as a client may write them. They look like JSON, and
// their strings are none: \u0026 stays as it is, two backslashes in a row become one, and \( begins an expression.
var (
	stringPattern = regexp.MustCompile(`^"([^"\\]*(\\.[^"\\]*)*)"`)
	wordPattern   = regexp.MustCompile(`^(true|false|null|-?[0-9]+(?:\.[0-9]+)?)`)
)

// constant reads the constant at the beginning of text and returns what follows it.
func constant(text string) (value any, rest string, err error) {
	switch {
	case strings.HasPrefix(text, "["):
		return sequence(text)
	case strings.HasPrefix(text, "{"):
		return mapping(text)
	}
	if match := stringPattern.FindStringSubmatch(text); match != nil {
		value, err := interpolate(unescape(match[1]))
		return value, text[len(match[0]):], err
	}
	word := wordPattern.FindString(text)
	rest = text[len(word):]
	switch word {
	case "":
		return nil, "", fmt.Errorf("fake: unexpected constant in an edit: %q", text)
	case "true", "false":
		return word == "true", rest, nil
	case "null":
		return nil, rest, nil
	}
	if whole, err := strconv.ParseInt(word, 10, 64); err == nil {
		return whole, rest, nil
	}
	real, err := strconv.ParseFloat(word, 64)
	return real, rest, err
}

func sequence(text string) (value any, rest string, err error) {
	items := []any{}
	for rest = text[1:]; !strings.HasPrefix(rest, "]"); {
		var item any
		if item, rest, err = constant(blanks(rest)); err != nil {
			return nil, "", err
		}
		items, rest = append(items, item), blanks(rest)
		rest = strings.TrimPrefix(rest, ",")
	}
	return items, rest[1:], nil
}

func mapping(text string) (value any, rest string, err error) {
	items := map[string]any{}
	for rest = text[1:]; !strings.HasPrefix(rest, "}"); {
		var key, item any
		if key, rest, err = constant(blanks(rest)); err != nil {
			return nil, "", err
		}
		name, isText := key.(string)
		rest = blanks(rest)
		if !isText || !strings.HasPrefix(rest, ":") {
			return nil, "", fmt.Errorf("fake: unexpected key in an edit: %q", rest)
		}
		if item, rest, err = constant(blanks(rest[1:])); err != nil {
			return nil, "", err
		}
		items[name], rest = item, blanks(rest)
		rest = strings.TrimPrefix(rest, ",")
	}
	return items, rest[1:], nil
}

func blanks(text string) string { return strings.TrimLeft(text, " \n") }

// unescape is yq's first pass over a string: \\ before a parenthesis is left to the second, and unknown escapes stay.
func unescape(text string) string {
	known := map[byte]string{'\\': `\`, '"': `"`, 'n': "\n", 't': "\t", 'r': "\r", 'f': "\f",
		'v': "\v", 'b': "\b", 'a': "\a"}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			if strings.HasPrefix(text[i:], `\\(`) {
				out.WriteString(`\\`)
				i++
				continue
			}
			if plain, ok := known[text[i+1]]; ok {
				out.WriteString(plain)
				i++
				continue
			}
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

// interpolate is yq's second pass: two backslashes become one, and \( begins an expression.
func interpolate(text string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if strings.HasPrefix(text[i:], `\(`) {
			return "", fatalf("1:1: lexer: invalid input text %q", text[i:])
		}
		if strings.HasPrefix(text[i:], `\\`) {
			i++
		}
		out.WriteByte(text[i])
	}
	return out.String(), nil
}
