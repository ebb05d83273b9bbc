package config

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// With is the text of the file with other values; what is not changed stays as it is, comments included. It is read again
// before it is returned: where the file is written in a way that this cannot change, that is an error.
func (f *File) With(changes []Entry, keys []Key) ([]byte, error) {
	lines, added := strings.SplitAfter(string(f.text), "\n"), []Entry{}
	for _, change := range changes {
		at := slices.IndexFunc(f.Entries, func(e Entry) bool { return e.Key == change.Key })
		switch {
		case at < 0:
			added = append(added, change)
		case change.Value == "":
			lines[f.Entries[at].Line-1] = "" // the others stay where they are
		default:
			line := &lines[f.Entries[at].Line-1]
			*line = replaceValue(*line, encode(change, keys))
		}
	}
	for _, change := range added {
		if change.Value != "" {
			insert(lines, change.Key, change.Key+": "+encode(change, keys)+"\n")
		}
	}
	text := []byte(strings.Join(lines, ""))
	again, err := parse(f.Path, text, keys)
	if err != nil || !again.holds(f.Entries, changes) {
		return nil, usage(asInExample+"; or change it yourself", "%s is written in a way that worldsetup does not change", f.Path)
	}
	return text, nil
}

// New is a file that is not there yet, with this text.
func New(path string, text []byte) *File { return &File{Path: path, text: text} }

// holds says whether the file has what it had before, and the changes.
func (f *File) holds(before, changes []Entry) bool {
	want, found := map[string]string{}, map[string]string{}
	for _, entry := range slices.Concat(before, changes) {
		want[entry.Key] = entry.Value
	}
	for _, entry := range f.Entries {
		found[entry.Key] = entry.Value
	}
	maps.DeleteFunc(want, func(_, value string) bool { return value == "" })
	return maps.Equal(want, found)
}

// valuePattern takes a line apart: the key, its value, and what stands behind it.
var valuePattern = regexp.MustCompile(`^([^:]*:[ \t]+)("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?:[^#\r\n]|[^ \t\r\n]#)*?)([ \t]*(?:[ \t]#[^\r\n]*)?\r?\n?)$`)

func replaceValue(line, value string) string {
	parts := valuePattern.FindStringSubmatch(line)
	if parts == nil {
		return line // shows when it is read again
	}
	return parts[1] + value + parts[3]
}

// insert puts a line below the example of its key, which is commented out, or at the end. It makes one element of two, so
// that the others stay where they are.
func insert(lines []string, key, line string) {
	at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#"+key+":") })
	if at < 0 || !strings.HasSuffix(lines[at], "\n") {
		at = len(lines) - 1
	}
	if lines[at] != "" && !strings.HasSuffix(lines[at], "\n") {
		lines[at] += "\n"
	}
	lines[at] += line
}

// harmless is text that needs no quotes, if YAML does not take it for something else than text.
var harmless = regexp.MustCompile(`^[A-Za-z0-9/._~][A-Za-z0-9/._~+@:-]*$`)

// encode writes the value of an entry as YAML. JSON's way of quoting is YAML's as well.
func encode(entry Entry, keys []Key) string {
	value, kind := entry.Value, keys[slices.IndexFunc(keys, func(k Key) bool { return k.Name == entry.Key })].Kind
	if kind == Number || kind == Switch {
		return value
	}
	if harmless.MatchString(value) {
		body, err := document("", []byte("key: "+value))
		if pairs, _ := pairs("", body); err == nil && len(pairs) == 1 {
			text, is := pairs[0].Value.(*ast.StringNode)
			if is && text.Value == value || kind == Size && pairs[0].Value.Type() == ast.IntegerType {
				return value
			}
		}
	}
	var quoted strings.Builder
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // a string always has a JSON form
	return strings.TrimSuffix(quoted.String(), "\n")
}
